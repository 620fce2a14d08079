#!/usr/bin/env bash
# Makes the shipped n-gram model from nothing but the corpora and training/data: 10 to 40 minutes on one core.
#   training/runs/ngram.sh [DATA] [WORK]
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-../shared/data}
work=${2:-/tmp/guardhouse-training}
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONHASHSEED=0

$python training/prepare.py --data "$data" --out "$work"
# What each family of sources looks like to a model that never saw it: the ground that calibration stands on.
for groups in community competition,short optimised,orders indirect_found,indirect_generated written_a; do
  $python training/train.py --rows "$work/rows.jsonl.gz" --out "$work/without-$groups.npz" \
    --leave-out "$groups" --epochs 3,4 --part 0.6
done
$python training/train.py --rows "$work/rows.jsonl.gz" --out "$work/full.npz" --epochs 3,3,4
$python training/calibrate.py --rows "$work/rows.jsonl.gz" --full "$work/full.npz" \
  --held-out "$work"/without-*.npz --out src/guardhouse/classifier/data
