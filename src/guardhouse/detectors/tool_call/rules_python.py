"""Verdicts about Python code, from its facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.tool_call.hosts import (
    host_of,
    is_drop,
    is_inside,
    is_outside_address,
    metadata_level,
    urls_in,
)
from guardhouse.detectors.tool_call.paths import Place, is_disk, place_of, secrecy
from guardhouse.detectors.tool_call.python_code import Call, Code
from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive, exfiltration, exploit
from guardhouse.detectors.tool_call.wordset import word_set

_REMOVERS = re.compile(r"(?:^|\.)(?:rmtree|remove|unlink|rmdir|removedirs|truncate|send2trash)$")
_REMOVING_MODULES = re.compile(r"^(?:os|shutil|pathlib|send2trash)\b|Path|\.unlink$|\.rmtree$")
_NETWORK_SEND = re.compile(
    r"^(?:requests|httpx|aiohttp)\.(?:\w+\.)?(?:post|put|patch|request)$|urllib\.request\.(?:urlopen"
    r"|Request)$|\.(?:sendall|sendto|send|sendmail|send_message|storbinary|post|upload_file|put_object"
    r"|upload_fileobj)$|http\.client\S*\.request$"
)
_NETWORK_GET = re.compile(
    r"(?:requests|httpx)\.(?:get|post)$|urlopen$|urllib\.request\.|urlretrieve$|\.(?:text|content|read)$"
)
_RUNS = word_set("exec eval compile builtins.exec builtins.eval")
_SHELL_CALLS = re.compile(
    r"^(?:os\.(?:system|popen|exec\w*|spawn\w*)|subprocess\.(?:run|call|check_call|check_output|Popen"
    r"|getoutput|getstatusoutput)|commands\.getoutput|pty\.spawn|asyncio\.create_subprocess_(?:shell"
    r"|exec)|pexpect\.(?:spawn|run)|ctypes\.\w+\.system)$"
)


def shell_texts(code: Code) -> list[str]:
    """The shell commands that the code runs, as far as they stand in it."""
    return [call.args[0] for call in code.calls if call.args and call.args[0] and _SHELL_CALLS.match(call.name)]


def run_texts(code: Code) -> list[str]:
    """The code that the code runs in turn (`exec("...")`), decoded where it is encoded."""
    return [call.args[0] for call in code.calls if call.name in _RUNS and call.args and len(call.args[0]) > 8]


def judge_python(code: Code) -> Iterator[Verdict]:
    """Everything the facts say; shell texts and inner code are judged by the caller."""
    for call in code.calls:
        yield from _removal(call)
        yield from _file(call)
        yield from _dynamic(call)
    yield from _sending(code)
    yield from _sockets(code)
    yield from _exhaustion(code)


def _removal(call: Call) -> Iterator[Verdict]:
    if _REMOVERS.search(call.name) and (
        _REMOVING_MODULES.search(call.name) or call.name in ("rmtree", "remove", "unlink")
    ):
        tree = call.name.endswith("rmtree")
        places = [place_of(arg) for arg in call.args if arg]
        worst = max(places, default=Place.ORDINARY)
        if worst is Place.SYSTEM:
            yield destructive(0.93 if tree or call.looped else 0.6, "delete_broad")
        elif worst in (Place.DATA, Place.SYSTEM_FILE):
            yield destructive(0.75, "delete_broad")
        elif worst is Place.HERE and tree:
            yield destructive(0.6, "delete_broad")
        elif any(secrecy(arg) >= 0.9 for arg in call.args):
            yield destructive(0.45, "delete")
    if call.name.endswith((".write_bytes", ".write_text")) and call.looped and "os.urandom" in call.nested:
        yield destructive(0.85, "overwrite_files")
    if (
        call.name.endswith((".write", ".write_bytes"))
        and any(name.endswith(".encrypt") for name in call.nested)
        and call.looped
    ):
        yield destructive(0.8, "encrypt_files")
    if call.name in ("os.kill", "os.killpg") and call.args[:1] == ("-1",):
        yield destructive(0.8, "kill_everything")
    if call.name in ("os.chmod", "os.chown") and any(place_of(arg) >= Place.SYSTEM_FILE for arg in call.args[:1]):
        yield destructive(0.45, "change_permissions")


def _file(call: Call) -> Iterator[Verdict]:
    if call.name not in (
        "open",
        "io.open",
        "os.open",
        "codecs.open",
        "shutil.copy",
        "shutil.copyfile",
        "shutil.copy2",
        "shutil.copytree",
        "shutil.move",
    ) and not call.name.endswith(("read_text", "read_bytes", "write_text")):
        return
    path = (
        call.args[-1]
        if call.name.endswith(("read_text", "read_bytes", "write_text")) and call.args
        else (call.args[0] if call.args else "")
    )
    mode = dict(call.keywords).get("mode", call.args[1] if len(call.args) > 1 and call.name.endswith("open") else "r")
    writing = call.name.endswith("write_text") or (
        call.name.endswith("open") and any(letter in mode for letter in "wax+")
    )
    if writing:
        if is_disk(path):
            yield destructive(0.85, "overwrite_disk")
        elif re.search(
            r"authorized_keys|/etc/(?:sudoers|passwd|shadow|cron|ld\.so\.preload)|/\.(?:bashrc|profile|zshrc"
            r"|bash_profile)$|sitecustomize\.py$|/start ?menu/",
            path,
            re.IGNORECASE,
        ):
            yield exploit(0.65, "plant_start")
        elif place_of(path) is Place.SYSTEM_FILE:
            yield destructive(0.45, "overwrite_system_file")
        return
    level = secrecy(path)
    if level >= 0.9:
        yield exfiltration(0.65, "read_secret_file", askable=True)
    elif level >= 0.45:
        yield exfiltration(0.35, "read_system_file")


def _dynamic(call: Call) -> Iterator[Verdict]:
    if call.name in _RUNS:
        inner = " ".join(call.nested)
        if _NETWORK_GET.search(inner) or "urlopen" in inner or "requests.get" in inner:
            yield exploit(0.9, "run_download")
        elif re.search(r"b64decode|fromhex|zlib\.decompress|marshal\.loads|codecs\.decode", inner):
            yield exploit(0.65, "run_hidden_code")
        elif re.search(r"\binput\b", inner):
            yield exploit(0.3, "run_input")
    elif call.name in ("pickle.loads", "marshal.loads", "dill.loads"):
        if any("b64decode" in name for name in call.nested):
            yield exploit(0.6, "run_hidden_code")
    elif (
        call.name in ("ctypes.windll.kernel32.VirtualAlloc", "ctypes.CDLL.mprotect")
        or "CreateRemoteThread" in call.name
    ):
        yield exploit(0.85, "inject_code")
    elif call.name.endswith(("os.setuid", "os.seteuid")) and call.args[:1] == ("0",):
        yield exploit(0.7, "raise_rights")
    elif call.name.startswith(("pynput.", "keyboard.")) and call.name.endswith(("Listener", "record", "on_press")):
        yield exploit(0.6, "log_keys")


_SECRET_IN_REQUEST = re.compile(
    r"(?:requests|httpx|urllib\.request)\.\w+\(\s*f?[\"'][^\"'\n]{0,300}[?&=][^\n]{0,100}"
    r"os\.(?:environ|getenv)[\[(.]\W*(?:get\(\W*)?\w*(?:SECRET|TOKEN|PASSWORD|KEY)"
)


def _sending(code: Code) -> Iterator[Verdict]:
    sends = [call for call in code.calls if _NETWORK_SEND.search(call.name)]
    for url in urls_in(code.text):
        if level := metadata_level(url):
            yield exfiltration(level, "cloud_metadata")
    if _SECRET_IN_REQUEST.search(code.text):
        yield exfiltration(0.65, "send_secret_variable")
    if not sends:
        return
    secret = max((secrecy(text) for text in code.strings), default=0.0)
    environment = bool(re.search(r"\bos\.environ\b(?!\.get\(|\[)|dict\(os\.environ|os\.environ\.copy", code.text))
    targets = [host for text in (*code.strings, *urls_in(code.text)) if (host := host_of(text)) and not secrecy(text)]
    outside = [host for host in targets if not is_inside(host)]
    if secret >= 0.6 or environment:
        yield exfiltration(
            0.92 if outside or any("@" in text for text in code.strings) else 0.7,
            "send_secret_file" if secret else "send_environment",
        )
    elif secret >= 0.45:
        yield exfiltration(0.85 if outside else 0.65, "send_system_file")
    elif any("open" in call.nested or "read" in " ".join(call.nested) for call in sends):
        if any(is_drop(host) or is_outside_address(host) for host in outside):
            yield exfiltration(0.65, "send_file")
        elif outside:
            yield exfiltration(0.3, "send_file")


def _sockets(code: Code) -> Iterator[Verdict]:
    names = " ".join(call.name for call in code.calls)
    if "socket" in code.text and re.search(r"\bos\.dup2\b|pty\.spawn", names) and "connect" in names:
        yield exploit(0.93, "reverse_shell")
    elif (
        re.search(r"\.connect\b", names)
        and "socket" in code.text
        and re.search(r"subprocess\.|os\.popen|os\.system", names)
        and re.search(r"\.recv\b", names)
    ):
        yield exploit(0.85, "reverse_shell")


def _exhaustion(code: Code) -> Iterator[Verdict]:
    for body in code.endless_bodies:
        if re.search(r"\bos\.fork\b", body):
            yield denial(0.93, "fork_bomb")
        elif (
            re.search(r"threading\.Thread|multiprocessing\.|subprocess\.Popen|os\.system|os\.spawn|Process\b", body)
            and "sleep" not in body
        ):
            yield denial(0.75, "endless_forks")
        elif re.search(r"sleep|accept|recv|input|\bget\b.*timeout|wait|readline|select|poll", body):
            continue
        elif re.search(r"requests\.|urlopen|httpx\.|sendmail|send_message|\.send\b|sendto|socket\.", body):
            yield denial(0.75, "flood")
        elif re.search(r"\bgrow\b|\.append\b|\.extend\b|bytearray|\.write\b|mkdir|makedirs|\bopen\b", body):
            yield denial(0.7, "fill_memory")
        else:
            yield denial(0.45, "endless_loop")
    if (
        re.search(r"\bos\.fork\(\)", code.text)
        and any(call.looped and call.name == "os.fork" for call in code.calls)
        and not code.endless_bodies
    ):
        yield denial(0.6, "fork_bomb")
    if re.search(
        r"(?:b?['\"][^'\"]{0,4}['\"]|\[[^\]]{0,8}\]|bytearray\()\s*\*?\s*\(?\s*(?:10\s*\*\*\s*(?:1[0-9]"
        r"|[2-9]\d)|1e1[0-9]|\d{11,}|1\s*<<\s*[4-9]\d|1024\s*\*\*\s*[4-9])",
        code.text,
    ):
        yield denial(0.75, "fill_memory")
    limit = next((call for call in code.calls if call.name.endswith("setrecursionlimit")), None)
    if code.recursion or (
        limit is not None and re.search(r"setrecursionlimit\(\s*(?:10\s*\*\*\s*[6-9]|\d{7,})", code.text)
    ):
        yield denial(0.65, "endless_recursion")
    if re.search(r"\b9\s*\*\*\s*9\s*\*\*\s*9|\b\d+\s*\*\*\s*\(?\d+\s*\*\*\s*\d{1,}", code.text):
        yield denial(0.6, "burn_processor")
