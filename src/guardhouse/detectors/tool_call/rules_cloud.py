"""Commands against clusters, clouds, databases and repositories, where one line can remove what many people use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.tool_call.rules_destructive import Rule
from guardhouse.detectors.tool_call.shell_facts import Script, Stage
from guardhouse.detectors.tool_call.verdict import Verdict, destructive, exploit

_PRODUCTION = re.compile(r"(?<![a-z])(?:prod|production|live|main)(?![a-z])", re.IGNORECASE)
_PRACTICE = re.compile(
    r"(?<![a-z])(?:dev|test|tests|staging|stage|stg|sandbox|scratch|tmp|ci|it|review|preview|local"
    r"|localhost|127\.0\.0\.1)(?![a-z])",
    re.IGNORECASE,
)
_ADMIN = re.compile(
    r"AdministratorAccess|\"Action\"\s*:\s*\"\*\"|roles/(?:owner|iam\.\w*Admin)|--role[= ](?:Owner"
    r"|owner)|cluster-admin|PowerUserAccess",
    re.IGNORECASE,
)


def _weighed(level: float, line: str) -> float:
    """`level`, raised where the words say production and lowered where they say practice."""
    if _PRACTICE.search(line) and not _PRODUCTION.search(line):
        return level * 0.7
    return min(0.95, level + 0.15) if _PRODUCTION.search(line) else level


def _kubectl(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    words = command.operands
    if _ADMIN.search(line) and "create" in words:
        yield exploit(0.5, "grant_administrator", askable=True)
    if "drain" in words and "--all" in command.args:
        yield destructive(0.6, "drain_everything")
    if "delete" not in words:
        return
    everything = "--all" in command.args
    everywhere = "-A" in command.args or "--all-namespaces" in command.args
    kinds = words[words.index("delete") + 1 : words.index("delete") + 2]
    grave = bool(kinds) and bool(
        re.search(
            r"\b(?:ns|namespaces?|pvc?|persistentvolume\w*|nodes?|crds?|customresourcedefinitions?|all)\b", kinds[0]
        )
    )
    selected = "--field-selector" in line or command.value("-l", "--selector", "--field-selector")
    if everything:
        yield destructive(0.92 if grave or everywhere else _weighed(0.55, line), "delete_cluster_objects")
    elif everywhere and not selected:
        yield destructive(0.8, "delete_cluster_objects")
    elif grave:
        yield destructive(_weighed(0.42, line), "delete_cluster_objects", askable=True)
    elif command.spread or stage.looped:
        yield destructive(_weighed(0.4, line), "delete_cluster_objects", askable=True)


def _terraform(stage: Stage, script: Script) -> Iterator[Verdict]:
    line = f"{stage.command.line} {script.text[:2000]}"
    args = stage.command.args
    if "destroy" not in args and "-destroy" not in args and "--destroy" not in args:
        return
    if (
        "plan" in args
        or "preview" in args
        or any(arg.startswith(("-target", "--target", "-help", "--help")) for arg in args)
    ):
        yield destructive(0.3, "destroy_infrastructure")
        return
    unasked = any("auto-approve" in arg or arg in ("--yes", "-y", "--non-interactive") for arg in args)
    yield destructive(_weighed(0.65 if unasked else 0.45, line), "destroy_infrastructure", askable=True)


_AWS_GRAVE = re.compile(
    r"\b(?:delete-(?:db-\w[\w-]*|backup-\w[\w-]*|recovery-point|stack|cluster|bucket|snapshot|volume"
    r"|vpc|file-system|table|hosted-zone|trail|detector|user-pool|organization)|terminate-instances"
    r"|schedule-key-deletion|deregister-image|deactivate-mfa-device)\b"
)


def _cloud(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    if "--dryrun" in line or "--dry-run" in line or "--help" in line or " help" in line:
        return
    if _ADMIN.search(line) and re.search(
        r"attach|put-\w+-policy|add-iam-policy-binding|role assignment create|create-policy", line
    ):
        yield exploit(0.6, "grant_administrator", askable=True)
    if re.search(
        r"cloudtrail (?:stop-logging|delete-trail|put-event-selectors)|guardduty (?:delete-detector"
        r"|update-detector .*--no-enable)|logging sinks delete|delete-flow-logs"
        r"|config(?:service)? (?:stop-configuration-recorder|delete-\w+)|securityhub disable|logs"
        r" delete-log-(?:group|stream)|diagnostic-settings delete",
        line,
    ):
        yield exploit(0.75, "stop_protection")
        yield destructive(0.45, "stop_protection")
    if re.search(
        r"authorize-security-group-ingress .*0\.0\.0\.0/0|firewall-rules create .*--source-ranges[="
        r" ]0\.0\.0\.0/0.*--rules?[= ](?:all|tcp)|--allow[= ](?:all|tcp:22)\b.*0\.0\.0\.0/0",
        line,
    ):
        yield exploit(0.55, "open_firewall", askable=True)
    many = command.spread or stage.looped or "$()" in line
    if command.name in ("aws", "s3cmd", "mc", "gsutil", "gcloud") and (
        re.search(
            r"\bs3 rb\b.*--force|\bs3 rm s3://[\w.$(){}-]+/?\s.*--recursive|\brb --force|\bmc rb .*--force"
            r"|gsutil (?:-m )?rb|gsutil (?:-m )?rm -\w*r\w* gs://[\w.-]+/?(?:\s|$|\*)|storage (?:buckets"
            r" delete|rm -r\w* gs://[\w.-]+/?(?:\s|$))",
            line,
        )
    ):
        yield destructive(0.85 if many else _weighed(0.65, line), "delete_bucket", askable=not many)
    elif match := _AWS_GRAVE.search(line):
        backup = re.search(r"snapshot|backup|recovery|skip-final-snapshot|key-deletion", match.group() + line)
        yield destructive(
            _weighed(0.75 if many else 0.55 if backup else 0.45, line), "delete_cloud_resource", askable=not many
        )
    elif command.name in ("az", "gcloud", "doctl", "cloud", "cloud_cli", "heroku") and re.search(
        r"\b(?:group delete|projects delete|apps:destroy|pg:reset|sql instances delete|clusters delete"
        r"|snapshots? delete|vm delete|storage account delete|bucket rm|--no-backup)\b",
        line,
    ):
        everything = (
            "--all" in command.args
            or "--yes" in command.args
            or "-y" in command.args
            or "--quiet" in line
            or "--confirm" in line
        )
        yield destructive(
            _weighed(0.8 if "--all" in command.args else 0.6 if everything else 0.45, line),
            "delete_cloud_resource",
            askable=True,
        )


def _database(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    if command.name in ("redis-cli", "valkey-cli"):
        if re.search(r"\bflushall\b", line, re.IGNORECASE):
            yield destructive(_weighed(0.6, line), "empty_database", askable=True)
        elif re.search(r"\bflushdb\b", line, re.IGNORECASE):
            yield destructive(_weighed(0.4, line), "empty_database", askable=True)
        elif re.search(r"config set dir\b.*(?:\.ssh|cron|www)|slaveof|module load", line, re.IGNORECASE):
            yield exploit(0.65, "database_takeover")
    elif command.name == "dropdb":
        name = command.operands[-1] if command.operands else ""
        level = 0.8 if stage.looped or command.spread or name.startswith("$") else _weighed(0.6, name)
        yield destructive(level, "drop_database", askable=True)
    elif command.name == "mysqladmin" and "drop" in command.args:
        yield destructive(_weighed(0.6, line), "drop_database", askable=True)
    elif command.name in ("mongo", "mongosh") and re.search(r"dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}", line):
        yield destructive(_weighed(0.65, line), "drop_database", askable=True)
    elif command.name.startswith("kafka-topics") and "--delete" in command.args:
        yield destructive(
            0.75 if command.spread or ".*" in line else _weighed(0.35, line), "delete_topics", askable=True
        )
    elif command.name == "ldapdelete" and command.has("r"):
        yield destructive(0.75, "delete_directory")
    elif command.name == "velero" and "delete" in command.args and "--all" in command.args:
        yield destructive(0.8, "delete_backups")
    elif command.name in ("borg", "restic", "rclone") and re.search(
        r"\b(?:delete|purge|forget .*--keep-last 0|prune --all)\b", line
    ):
        yield destructive(0.35, "delete_backups", askable=True)


def _git(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    args = command.args
    if "push" not in args:
        return
    forced = "--force" in args or command.has("f") or any(arg.startswith("+") for arg in args)
    main = any(re.search(r"(?:^|[:+/])(?:main|master|trunk|production|release)$", arg) for arg in args)
    if ("--mirror" in args and forced) or ("--delete" in args and command.spread):
        yield destructive(0.7, "rewrite_repository")
    elif forced and main:
        yield destructive(0.48, "rewrite_repository", askable=True)
    elif any(re.fullmatch(r":(?:main|master|production)", arg) for arg in args) or ("--delete" in args and main):
        yield destructive(0.55, "rewrite_repository", askable=True)


def _docker(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    listed = any(source.name == "docker" for source in stage.sources)
    if re.search(r"\b(?:volume rm|volume prune .*(?:-a|--all))\b", line) and (listed or "prune" in line):
        yield destructive(0.5, "delete_volumes", askable=True)
    elif re.search(r"system prune", line) and "--volumes" in line:
        yield destructive(0.42, "delete_volumes", askable=True)
    elif re.search(r"\brmi?\b", line) and command.has("f") and listed:
        yield destructive(0.42, "delete_containers", askable=True)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("kubectl", "oc", "k3s"), _kubectl),
    **dict.fromkeys(("terraform", "tofu", "pulumi", "terragrunt", "cdk"), _terraform),
    **dict.fromkeys(("aws", "az", "gcloud", "gsutil", "s3cmd", "mc", "doctl", "cloud", "cloud_cli", "heroku"), _cloud),
    **dict.fromkeys(
        (
            "redis-cli",
            "valkey-cli",
            "dropdb",
            "mysqladmin",
            "mongo",
            "mongosh",
            "kafka-topics.sh",
            "kafka-topics",
            "ldapdelete",
            "velero",
            "borg",
            "restic",
            "rclone",
        ),
        _database,
    ),
    "git": _git,
    **dict.fromkeys(("docker", "podman"), _docker),
}
