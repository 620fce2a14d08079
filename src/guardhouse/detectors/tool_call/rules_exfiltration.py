"""Shell commands that read secrets or send data out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from guardhouse.detectors.tool_call.hosts import (
    host_of,
    is_drop,
    is_inside,
    is_outside_address,
    metadata_level,
    urls_in,
)
from guardhouse.detectors.tool_call.paths import is_broad, secrecy
from guardhouse.detectors.tool_call.rules_destructive import Rule
from guardhouse.detectors.tool_call.shell_facts import Command, Script, Stage
from guardhouse.detectors.tool_call.verdict import Verdict, exfiltration
from guardhouse.detectors.tool_call.wordset import word_set

_READERS = word_set(
    "cat tac less more head tail strings xxd od base64 gzip bzip2 xz zip tar cp rsync dd nl grep awk sed"
    " cut sort ed vi hexdump type get-content gc copy xcopy robocopy openssl sqlite3 7z compress-archive"
    " esentutl cpio scp rclone install mv ln bat jq find"
)
_WHOLE_READERS = word_set(
    "cat tac less more head tail strings xxd od base64 nl hexdump type get-content gc cp copy xcopy dd"
    " tar zip gzip rsync scp ed bat"
)
_DUMPS = word_set("mysqldump pg_dump pg_dumpall mongodump mongoexport sqlite3 psql mysql redis-cli")
_ENVIRONMENT = word_set("env printenv set export declare")
_SENDERS = word_set(
    "curl wget nc ncat netcat socat telnet scp sftp rsync ftp tftp lftp ncftpput rclone mail mailx mutt"
    " sendmail msmtp swaks ssh dig nslookup host ping http https xh iwr invoke-webrequest"
    " invoke-restmethod aws gsutil s3cmd gh croc openssl"
)
_DATA_OPTIONS = (
    "-d",
    "--data",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "-F",
    "--form",
    "-T",
    "--upload-file",
    "--post-file",
    "--post-data",
    "--body-file",
    "--body-data",
    "-InFile",
    "-Body",
    "--json",
    "-u",
)
_PUBLIC_SHARE = re.compile(
    r"put-bucket-(?:acl|policy)\b.*(?:public-read"
    r"|\"?Principal\"?\s*:\s*(?:\{\s*\"AWS\"\s*:\s*)?\"\*\")|put-public-access-block.*false"
    r"|delete-public-access-block"
    r"|\b(?:allUsers|allAuthenticatedUsers)\b|modify-(?:db-)?(?:cluster-)?snapshot-attribute.*\ball\b"
    r"|--public-access (?:blob|container)|visibility[ =]public|--publicly-accessible",
    re.IGNORECASE,
)
_SECRET_STORES = re.compile(
    r"\bget secrets?\b.*(?:-A\b|--all-namespaces|-o\s?=?\s?(?:json|yaml))|secretsmanager"
    r" get-secret-value|ssm get-parameters?.*--with-decryption|secrets versions access|vault (?:kv"
    r" )?(?:get|read|list)"
    r"|git credential fill|security (?:dump-keychain|find-(?:generic|internet)-password)|gpg"
    r" --export-secret|get-session-token|iam create-access-key|gh auth token|gcloud auth print|cmdkey"
    r" /list|keyring get|pass show",
    re.IGNORECASE,
)


def sent_host(command: Command) -> str:
    """The outside host that a sending command reaches; empty when it reaches none or only the inside."""
    if command.name not in _SENDERS:
        return ""
    for word in command.args:
        if word.startswith(("-", "@")) and "://" not in word:
            continue
        if command.name in ("aws", "gsutil", "s3cmd", "gh", "openssl") and "://" not in word and ":" not in word:
            continue
        host = host_of(word) or (
            word.lower()
            if command.name in ("nc", "ncat", "netcat", "telnet", "ftp", "ssh")
            and re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", word)
            else ""
        )
        if (
            host
            and not is_inside(host)
            and not re.fullmatch(
                r".*\.(?:txt|csv|json|log|gz|tgz|tar|zip|sql|pdf|md|py|sh|xml|yml|yaml|conf|pem|png|jpg|html)", host
            )
        ):
            return host
    socket = re.search(r"(?:tcp|udp|openssl)\d?:([\w.-]+):\d+", command.line, re.IGNORECASE)
    return socket.group(1) if socket and not is_inside(socket.group(1)) else ""


def _payload(command: Command) -> list[str]:
    """Files that a sending command takes along."""
    files: list[str] = list(command.reads)
    if command.name in (
        "scp",
        "rsync",
        "rclone",
        "sftp",
        "lftp",
        "ftp",
        "aws",
        "gsutil",
        "s3cmd",
        "gh",
        "croc",
        "tftp",
    ):
        remotes = [
            index
            for index, word in enumerate(command.args)
            if host_of(word) or "://" in word or re.match(r"^[\w-]+:(?!\\)", word)
        ]
        identity = command.value("-i", "-F", "-e")
        files += [
            word
            for index, word in enumerate(command.args)
            if not word.startswith("-") and word != identity and (not remotes or index < remotes[-1])
        ]
        return files
    previous = ""
    for word in command.args:
        name, _, value = word.partition("=")
        if ("@" in word and (previous in _DATA_OPTIONS or word.startswith(("@", "-d@", "-F@", "-T")))) or re.match(
            r"^[\w-]+=\s?[@<]", word
        ):
            files.append(
                re.split(r"[@<]", word, maxsplit=1)[-1].partition(";")[0] if "@" in word or "<" in word else word
            )
        elif name in ("--post-file", "--upload-file", "--body-file") and value:
            files.append(value)
        elif previous in ("-T", "--upload-file", "--post-file", "--body-file", "-InFile", "-a", "-A", "--attach"):
            files.append(word)
        elif previous.lower() in ("-infile",) or (word.startswith("-T") and len(word) > 2):
            files.append(word.removeprefix("-T"))
        elif word.startswith("@"):
            files.append(word[1:])
        previous = word
    return files


def _read_files(commands: Iterable[Command]) -> list[str]:
    out: list[str] = []
    for command in commands:
        out.extend(command.reads)
        if command.name in ("scp", "rsync", "rclone"):
            out.extend(_payload(command))
        elif command.name in _READERS:
            out.extend(command.operands)
    return out


def _worth(stage: Stage) -> tuple[float, str]:
    """How telling the data is that reaches this sender, 0..1, and what it is."""
    files = [*_payload(stage.command), *_read_files(stage.sources)]
    level = max((secrecy(name) for name in files), default=0.0)
    if level >= 0.45:
        return (0.95 if level >= 0.6 else 0.85), "secret_file"
    sources = stage.sources
    if any(
        (source.name in _ENVIRONMENT and source.name != "export") or (source.name == "export" and "-p" in source.args)
        for source in sources
    ):
        return 0.92, "environment"
    if any(_SECRET_STORES.search(source.line) for source in sources):
        return 0.95, "secret_store"
    if any(re.search(r"\bhistory\b|/proc/|ifconfig -a", source.line) for source in sources):
        return 0.7, "host_facts"
    if any(source.name in _DUMPS for source in sources):
        return 0.72, "database"
    if any(is_broad(name) for name in files):
        return 0.8, "whole_folder"
    variables = re.findall(
        r"\$\{?(\w*(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|CREDENTIAL|PRIVATE)\w*)", " ".join(_bodies(stage.command))
    )
    if variables:
        return 0.75, "secret_variable"
    if sources or files:
        return 0.3, "file" if files else "output"
    return 0.0, ""


def _bodies(command: Command) -> Iterator[str]:
    """What a request carries in its body or its query, not in its headers, where tokens belong."""
    for index, word in enumerate(command.args):
        if command.args[index - 1] in _DATA_OPTIONS if index else False:
            yield word
        elif "?" in word and "://" in word:
            yield word.partition("?")[2]


def _send(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    for url in (
        word for word in command.args if "169.254" in word or "metadata" in word or "100.100" in word or "://" in word
    ):
        if level := metadata_level(url if "://" in url else f"http://{url}"):
            yield exfiltration(level, "cloud_metadata")
    host = sent_host(command)
    local_receiver = command.name in ("nc", "ncat", "netcat", "curl", "wget") and not host
    worth, what = _worth(stage)
    if not worth or (command.name == "ssh" and not stage.upstream):
        return
    if command.name in ("dig", "nslookup", "host", "ping"):
        if any("$()" in word for word in command.args) and what != "output":
            yield exfiltration(max(worth, 0.8), "send_by_dns")
        elif any("$()" in word and "." in word for word in command.args):
            yield exfiltration(0.6, "send_by_dns")
        return
    if command.name in ("rsync", "scp", "rclone") and not _goes_out(command):
        return
    if local_receiver:
        # Sent to this machine or to a name that is not seen: weaker, still odd for a password file.
        if worth >= 0.85:
            yield exfiltration(0.6, f"send_{what}")
        return
    if worth >= 0.6:
        yield exfiltration(
            worth if host or command.name in ("mail", "mailx", "mutt", "sendmail", "swaks") else 0.6, f"send_{what}"
        )
    elif host and (
        is_drop(host)
        or (is_outside_address(host) and command.name in ("nc", "ncat", "netcat", "curl", "wget", "socat"))
    ):
        yield exfiltration(0.6, f"send_{what}")
    elif host:
        yield exfiltration(0.2, f"send_{what}")


def _goes_out(command: Command) -> bool:
    """True when the last operand is the remote one: data is sent, not fetched."""
    operands = [word for word in command.operands if word != command.value("-i", "-e", "-P", "-F")]
    if command.name == "rclone":
        return any(re.match(r"^[\w-]+:", word) for word in operands[2:4])
    return bool(operands) and (":" in operands[-1] or "@" in operands[-1])


def any_read(stage: Stage, script: Script) -> Iterator[Verdict]:
    """Reading or copying what only its owner should read, whoever gets it in the end."""
    command = stage.command
    names = list(command.reads)
    if command.name in ("scp", "rsync"):
        names += _payload(command)
    elif command.name in _WHOLE_READERS:
        names += command.operands
    elif command.name in ("grep", "sed", "awk", "cut", "ed", "perl"):
        names += command.operands[1:]
    level = max((secrecy(name) for name in names), default=0.0)
    if level >= 0.9:
        yield exfiltration(0.72, "read_secret_file", askable=True)
    elif level >= 0.6:
        yield exfiltration(0.4, "read_secret_file")
    elif level:
        yield exfiltration(0.25, "read_system_file")
    if (
        command.name == "find"
        and secrecy(" ".join(command.args)) >= 0.9
        and (command.has("", "-exec") or stage.downstream)
    ):
        yield exfiltration(0.7, "search_for_keys")
    if _SECRET_STORES.search(command.line):
        yield exfiltration(0.45, "read_secret_store", askable=True)


def _cloud(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    if _PUBLIC_SHARE.search(command.line):
        yield exfiltration(0.75, "make_public", askable=True)
    yield from _send(stage, script)


def _mail(stage: Stage, script: Script) -> Iterator[Verdict]:
    yield from _send(stage, script)


def whole_script(script: Script) -> Iterator[Verdict]:
    """Secrets are put aside in one command and sent in another; secrets in the words of a request."""
    sends = [
        stage for stage in script.stages if sent_host(stage.command) and (_payload(stage.command) or stage.sources)
    ]
    takes = max(
        (secrecy(name) for stage in script.stages for name in _read_files([stage.command])),
        default=0.0,
    )
    if sends and takes >= 0.6:
        yield exfiltration(0.85, "take_and_send")
    looked_up = [stage for stage in script.stages if stage.command.name in ("dig", "nslookup", "host")]
    if any(stage.looped and "$" in " ".join(stage.command.args) for stage in looked_up):
        secret = takes >= 0.45 or bool(script.names & (_ENVIRONMENT - {"set", "export"}))
        yield exfiltration(0.85 if secret else 0.5, "send_by_dns")
    for stage in script.stages:
        if stage.command.name in ("curl", "wget", "http", "xh") and any(
            "$()" in url for url in urls_in(stage.command.line)
        ):
            secret = any(
                source.name in _ENVIRONMENT
                or secrecy(" ".join(source.args)) >= 0.45
                or source.name in ("whoami", "hostname", "id")
                for source in stage.command.feeds
            )
            host = sent_host(stage.command)
            if host and secret:
                yield exfiltration(
                    0.8
                    if any(
                        source.name in _ENVIRONMENT or secrecy(" ".join(source.args)) for source in stage.command.feeds
                    )
                    else 0.5,
                    "send_in_query",
                )


RULES: dict[str, Rule] = {
    **dict.fromkeys(sorted(_SENDERS - {"aws", "gsutil", "mail", "mailx", "mutt", "sendmail", "swaks", "msmtp"}), _send),
    **dict.fromkeys(("aws", "gsutil", "gcloud", "az"), _cloud),
    **dict.fromkeys(("mail", "mailx", "mutt", "sendmail", "swaks", "msmtp"), _mail),
}
