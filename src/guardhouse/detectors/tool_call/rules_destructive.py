"""Shell commands that destroy: files, disks, machines, records of what happened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from guardhouse.detectors.tool_call.paths import Place, is_disk, is_first_disk, place_of, secrecy
from guardhouse.detectors.tool_call.shell_facts import Command, Script, Stage
from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive

Rule = Callable[[Stage, Script], Iterator[Verdict]]

_LEVEL = {
    Place.SYSTEM: 0.95,
    Place.DATA: 0.8,
    Place.SYSTEM_FILE: 0.75,
    Place.HERE: 0.55,
    Place.SCRATCH: 0.1,
    Place.ORDINARY: 0.15,
}
_GUARDS = re.compile(
    r"auditd|rsyslog|syslog|journald|falcon|sshd|osquery|wazuh|ossec|sysmon|mdatp|clamd"
    r"|systemd\b|dockerd|kubelet|containerd|init\b",
    re.IGNORECASE,
)


def _remove(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    windows = command.name in ("del", "erase", "rd", "rmdir", "deltree")
    recursive = command.has("rR", "--recursive", "-Recurse") or (
        windows and any(arg.lower() == "/s" for arg in command.args)
    )
    if command.name == "rmdir" and not recursive:
        return
    if "--no-preserve-root" in command.args:
        yield destructive(0.97, "delete_root")
    targets = [
        arg for arg in command.operands if not (windows and re.fullmatch(r"/[a-z](?::\S*)?", arg, re.IGNORECASE))
    ]
    search = next((item for item in stage.upstream if item.name == "find"), None)
    if command.spread and not targets and search is not None:
        yield from _search_levels(search.args)
    worst = max(
        (
            _removal_level(target, recursive=recursive, forced=command.has("f", "--force") or windows)
            for target in targets
        ),
        default=0.0,
    )
    if command.spread and recursive and not targets:
        worst = max(worst, 0.3)
    if command.has("i", "--interactive") and not command.has("f"):
        worst *= 0.5
    if worst:
        yield destructive(worst, "delete_broad" if worst >= 0.5 else "delete")


def _removal_level(target: str, *, recursive: bool, forced: bool) -> float:
    place = place_of(target)
    if place is Place.SYSTEM and not recursive:
        # Without recursion only the files of that one folder go, and only where a glob names them.
        return 0.8 if target.rstrip("\"'").endswith("*") else 0.2
    if place is Place.HERE:
        return 0.55 if recursive and forced else 0.3
    if target.endswith("_history"):
        return 0.5
    if place in (Place.ORDINARY, Place.SCRATCH) and secrecy(target) >= 0.9:
        return 0.5 if recursive else 0.35
    return _LEVEL[place]


def _find_delete(stage: Stage, script: Script) -> Iterator[Verdict]:
    args = stage.command.args
    removes = "-delete" in args or any(word in ("rm", "shred", "unlink", "/bin/rm") for word in args)
    if removes:
        yield from _search_levels(args)


def _search_levels(args: tuple[str, ...]) -> Iterator[Verdict]:
    """What is lost when all that `find` finds goes."""
    first = next((index for index, arg in enumerate(args) if arg.startswith(("-", "(", "!", "\\("))), len(args))
    roots = args[:first] or (".",)
    narrowed = any(
        arg
        in (
            "-name",
            "-iname",
            "-path",
            "-mtime",
            "-mmin",
            "-atime",
            "-ctime",
            "-size",
            "-empty",
            "-user",
            "-newer",
            "-regex",
            "-inum",
            "-perm",
            "-nouser",
            "-wholename",
        )
        for arg in args
    )
    for root in roots:
        place = place_of(root)
        if place is Place.SYSTEM:
            yield destructive(0.7 if narrowed else 0.95, "delete_by_search")
        elif place in (Place.HERE, Place.DATA) or root == ".":
            yield destructive(0.2 if narrowed else 0.6, "delete_by_search")
        elif place is Place.SYSTEM_FILE:
            yield destructive(0.35 if narrowed else 0.7, "delete_by_search")


def _shred(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    wide = any(
        place_of(source_root) >= Place.DATA
        for source in stage.upstream
        if source.name == "find"
        for source_root in source.operands[:2]
    )
    if wide or (command.spread and any(source.name == "find" for source in stage.upstream)):
        yield destructive(0.75, "overwrite_files")
    for target in command.operands:
        if is_disk(target):
            yield destructive(0.85, "overwrite_disk", askable=not is_first_disk(target))
        else:
            level = _LEVEL[place_of(target)]
            yield destructive(max(0.2, level), "overwrite_file")


def _copy_blocks(stage: Stage, script: Script) -> Iterator[Verdict]:
    values = dict(arg.partition("=")[::2] for arg in stage.command.args if "=" in arg)
    target, source = values.get("of", ""), values.get("if", "")
    if not target:
        return
    if is_disk(target):
        blank = re.search(r"/dev/(?:zero|u?random|null)$", source) or not source
        if blank or is_first_disk(target):
            yield destructive(0.92 if blank else 0.7, "overwrite_disk")
        else:
            yield destructive(0.35, "write_disk_image")
    elif place_of(target) is Place.SYSTEM_FILE:
        yield destructive(0.7, "overwrite_system_file")


def _format(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    forced = (command.has("Ff", "--force") and "fat" not in command.name) or any(
        source.name == "yes" for source in stage.upstream
    )
    for target in command.operands:
        if not is_disk(target):
            continue
        if is_first_disk(target) or forced:
            yield destructive(0.88, "format_disk")
        elif re.search(r"(?:[a-z]|n\d+)$", target):
            yield destructive(0.6, "format_disk", askable=True)
        else:
            yield destructive(0.42, "format_partition", askable=True)


def _disk_table(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    if not any(is_disk(target) for target in command.args):
        return
    line = command.line.lower()
    if command.name == "cryptsetup" and not re.search(r"luksformat|erase", line):
        return
    first = any(is_first_disk(target) for target in command.args)
    if (
        command.name == "blkdiscard"
        or (command.name == "badblocks" and command.has("w"))
        or re.search(
            r"--zap-all|-a\b|--all|security-erase|luksformat|erase|\bwipe|-o\b|-z\b|-fa?\b|-af\b"
            r"|zero-superblock|sanitize|--format",
            line,
        )
    ):
        yield destructive(0.8 if first else 0.55, "erase_disk", askable=not first)
    elif re.search(r"mklabel|mktable|\brm \d|pvremove|delete", line):
        yield destructive(0.6 if first else 0.45, "change_partition_table", askable=True)


def _volume(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    if command.name in ("zpool", "zfs") and "destroy" in command.args[:1]:
        whole = command.name == "zpool" or ("@" not in line and command.has("rR"))
        yield destructive(0.65 if whole else 0.35, "destroy_volume", askable=True)
    elif command.name in ("vgremove", "lvremove", "pvremove"):
        yield destructive(
            0.7 if command.has("f", "--force", "-ff") and stage.looped else 0.5 if command.has("f", "-ff") else 0.4,
            "destroy_volume",
            askable=True,
        )
    elif command.name == "virsh" and any(word in command.args[:1] for word in ("undefine", "destroy", "vol-delete")):
        yield destructive(
            0.7 if stage.looped and "--remove-all-storage" in command.args else 0.4, "remove_machine", askable=True
        )


def _power(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    args = [arg.lower() for arg in command.args]
    name = command.name
    if any(arg in ("--help", "-?", "/?", "--version", "-c", "/a", "-a", "-k", "--show") for arg in args):
        return
    if name in ("init", "telinit") and not (args and args[0] in ("0", "6")):
        return
    if name == "systemctl" and not any(
        arg in ("poweroff", "reboot", "halt", "kexec", "suspend", "hibernate") for arg in args
    ):
        return
    if name == "systemctl" and any(arg in ("suspend", "hibernate") for arg in args):
        yield destructive(0.3, "power_off", askable=True)
        return
    planned = any(re.fullmatch(r"\+[1-9]\d*|\d{1,2}:\d\d", arg) for arg in args) or (
        "/t" in args and not any(args[i + 1] == "0" for i, arg in enumerate(args[:-1]) if arg == "/t")
    )
    forced = any(arg in ("-f", "--force", "-force", "/f", "-ff", "-nf", "-fn", "now") for arg in args) or "/s" in args
    yield destructive(0.45 if planned else 0.75, "power_off", askable=True)
    if forced and not planned:
        yield denial(0.6, "power_off", askable=True)


def _kill(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    args = command.args
    if command.name == "killall5" or (command.name == "kill" and args[-1:] in (("-1",), ("1",)) and len(args) >= 2):
        yield destructive(0.8, "kill_everything")
        return
    named = " ".join((*args, *(source.line for source in command.feeds)))
    if _GUARDS.search(named) and not re.search(r"-(?:HUP|USR1|0|1)\b", named):
        yield destructive(0.6, "kill_system_service", askable=True)
    if command.name == "pkill" and command.value("-u", "-U") in ("root", "0"):
        yield destructive(0.6, "kill_system_service", askable=True)


_ACCOUNT_FILE = re.compile(r"/etc/(?:passwd|g?shadow|sudoers)")


def _permissions(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    if (
        command.name == "chmod"
        and any(_ACCOUNT_FILE.fullmatch(target) for target in command.operands[1:])
        and re.fullmatch(r"0?[0-7]?[0-7]?[2367]|.*[oa]?\+\w*w\w*|0*", command.operands[0])
    ):
        yield destructive(0.7, "open_account_file")
    if not command.has("R", "--recursive"):
        return
    for target in command.operands[1:]:
        place = place_of(target)
        if place is Place.SYSTEM and not target.startswith(("~", "$HOME", "/home", "/opt", "/usr/local", "/var/www")):
            yield destructive(0.85, "change_all_permissions")
        elif place in (Place.SYSTEM, Place.SYSTEM_FILE):
            extreme = re.fullmatch(r"0?(?:000|777)|a[+=]\w*|ugo[+=]\w*", command.operands[0])
            yield destructive(0.6 if extreme else 0.4, "change_all_permissions")


def _move(stage: Stage, script: Script) -> Iterator[Verdict]:
    targets = stage.command.operands
    if len(targets) < 2:
        return
    if targets[-1] == "/dev/null":
        yield destructive(
            0.9 if any(place_of(t) >= Place.SYSTEM_FILE for t in targets[:-1]) else 0.6, "move_to_nothing"
        )
    elif any(place_of(target) is Place.SYSTEM and target.startswith("/") for target in targets[:-1]):
        yield destructive(0.55, "move_system_folder")


def _mirror(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    target = command.operands[-1] if command.operands else ""
    if (
        any(arg.startswith("--delete") for arg in command.args)
        and "--dry-run" not in command.args
        and not command.has("n")
        and place_of(target) is Place.SYSTEM
        and re.search(r"empty|/dev/null|tmp", command.operands[0])
    ):
        yield destructive(0.75, "mirror_nothing")


def _truncate(stage: Stage, script: Script) -> Iterator[Verdict]:
    for target in stage.command.operands:
        if place_of(target) is Place.SYSTEM_FILE:
            yield destructive(0.6, "empty_system_file")


def _accounts(stage: Stage, script: Script) -> Iterator[Verdict]:
    if "root" in stage.command.operands:
        yield destructive(0.8, "delete_root_account")


def _traces(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    if command.name == "history" and command.has("c"):
        yield destructive(0.45, "clear_history")
    if command.name == "ln" and "/dev/null" in command.args and any("history" in arg for arg in command.args):
        yield destructive(0.65, "clear_history")
    if command.name == "wevtutil" and command.args[:1] and command.args[0].lower() in ("cl", "clear-log"):
        yield destructive(0.7, "clear_event_log")
    if command.name == "crontab" and "-r" in command.args:
        yield destructive(0.42, "remove_crontab", askable=True)


def any_write(stage: Stage, script: Script) -> Iterator[Verdict]:
    """Redirections that destroy what they are pointed at."""
    command = stage.command
    targets = list(command.writes)
    if command.name == "tee":
        targets += command.operands
    for target in targets:
        if is_disk(target):
            yield destructive(0.92, "overwrite_disk")
        elif target.endswith("/sysrq-trigger"):
            yield destructive(0.85, "kernel_trigger")
        elif (
            re.fullmatch(r"/etc/(?:passwd|shadow|sudoers|fstab|group|gshadow)", target)
            and command.name in ("", ":", "true", "cat", "echo")
            and not command.has("a")
            and not _appends(script, target)
        ):
            yield destructive(0.75, "overwrite_system_file")
        elif (target.startswith("/var/log/") and command.name in ("", ":", "true")) or (
            command.name == "cat" and "/dev/null" in command.args and target.startswith("/var/log")
        ):
            yield destructive(
                0.5 if re.search(r"auth|secure|audit|wtmp|btmp|lastlog|syslog|messages", target) else 0.25, "empty_log"
            )


def _appends(script: Script, target: str) -> bool:
    return bool(re.search(r">>\s*[\"']?" + re.escape(target), script.text)) if script.text else True


def whole_script(script: Script) -> Iterator[Verdict]:
    """Ransom: many files encrypted and the originals removed."""
    names = script.names
    encrypts = any(
        (stage.command.name == "openssl" and "enc" in stage.command.args[:1] and "-d" not in stage.command.args)
        or (
            stage.command.name in ("gpg", "ccrypt", "age")
            and stage.command.has("ce", "--symmetric", "--encrypt")
            and not stage.command.has("d", "--decrypt")
        )
        or (
            stage.command.name in ("zip", "7z", "7za") and stage.command.has("P", "-P") and stage.command.has("m", "-m")
        )
        for stage in script.stages
    )
    removes = bool(names & {"rm", "shred", "unlink"})
    many = any(stage.looped or stage.command.spread for stage in script.stages) or "find" in names
    if encrypts and many:
        yield destructive(0.85 if removes else 0.5, "encrypt_files")


def _same(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **_same("rm unlink del erase rd rmdir deltree srm", _remove),
    "find": _find_delete,
    **_same("shred wipe", _shred),
    **_same("dd dcfldd", _copy_blocks),
    **_same(
        "mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs"
        " mkfs.exfat mke2fs mkswap newfs mkfs.minix mkfs.cramfs",
        _format,
    ),
    **_same(
        "wipefs sgdisk gdisk parted sfdisk fdisk blkdiscard hdparm cryptsetup nvme mdadm pvremove diskutil badblocks",
        _disk_table,
    ),
    **_same("zpool zfs vgremove lvremove virsh", _volume),
    **_same("shutdown reboot halt poweroff init telinit systemctl stop-computer restart-computer", _power),
    **_same("kill pkill killall killall5 taskkill", _kill),
    **_same("chmod chown chgrp", _permissions),
    **_same("userdel deluser", _accounts),
    "mv": _move,
    "rsync": _mirror,
    "truncate": _truncate,
    **_same("history ln wevtutil crontab", _traces),
}


def command_names(command: Command) -> tuple[str, ...]:
    """The names under which rules for `command` are kept: its own, and for `mkfs.anything` that of `mkfs`."""
    return (command.name, "mkfs") if command.name.startswith("mkfs.") and command.name not in RULES else (command.name,)
