from __future__ import annotations

import base64
import binascii
import json
import random
import string

import pytest
from evidence import findings_of, setting_for
from hypothesis import given, settings
from hypothesis import strategies as st

from guardhouse.detectors.secrets import judge
from guardhouse.detectors.secrets.detector import PACKS, SecretsDetector
from guardhouse.matching.pack import PackEntry, read_pack
from guardhouse.model.recipe import Rule, RuleAction

LIKELY = 0.5
DETECTOR = SecretsDetector()
ENTRIES = [entry for pack in PACKS for entry in read_pack(judge.PACKAGE, pack)]
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def made(length: int, seed: int = 7, letters: str = LETTERS) -> str:
    """A random string that nobody issued."""
    return "".join(random.Random(seed).choices(letters, k=length))


def found(text: str) -> list[tuple[str, str]]:
    findings = findings_of(DETECTOR, text, least=LIKELY)
    for finding in findings:
        assert finding.span is not None
        assert finding.value == text[finding.span.start : finding.span.end]
    return [(finding.kind, finding.value) for finding in findings]


def label(entry: PackEntry) -> str:
    return entry.pattern.id.removeprefix("secrets.")


# Found only beside words that their example does not hold, or from what stands behind the matched part.
NEEDS_MORE = {"azure_storage", "google_recaptcha", "oracle_ocid_named", "pgpass", "vault_old", "beamer", "putty", "pem"}


@pytest.mark.parametrize("entry", [e for e in ENTRIES if label(e) not in NEEDS_MORE], ids=label)
def test_every_example_is_reported(entry: PackEntry) -> None:
    """In a sentence, and, for values that carry their own mark, with the pattern's own kind."""
    for example in entry.examples:
        kinds = [kind for kind, _ in found(f"We use this: {example} and more")]
        assert kinds, example
        if "check" not in entry.pattern.data:
            assert entry.pattern.data["kind"] in kinds, (example, kinds)


def test_there_are_many_shapes() -> None:
    assert len(ENTRIES) >= 150
    assert all(entry.pattern.source and entry.examples and entry.near_misses for entry in ENTRIES)


PEM_BODY = "\n".join(made(64, seed, LETTERS + "+/") for seed in range(6))


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("RSA PRIVATE KEY", "RSA_PRIVATE_KEY"),
        ("DSA PRIVATE KEY", "SSH_DSA_PRIVATE_KEY"),
        ("EC PRIVATE KEY", "SSH_EC_PRIVATE_KEY"),
        ("OPENSSH PRIVATE KEY", "OPENSSH_PRIVATE_KEY"),
        ("ENCRYPTED PRIVATE KEY", "ENCRYPTED_PRIVATE_KEY"),
        ("PGP PRIVATE KEY BLOCK", "PGP_PRIVATE_KEY_BLOCK"),
        ("PRIVATE KEY", "PRIVATE_KEY"),
    ],
)
def test_private_keys_whole_and_cut_off(label: str, kind: str) -> None:
    whole = f"-----BEGIN {label}-----\n{PEM_BODY}\n-----END {label}-----"
    assert found(f"here:\n{whole}\nbye") == [(kind, whole)]
    cut = f"-----BEGIN {label}-----\n{PEM_BODY}"
    assert found(f"here:\n{cut}\n\nbye now, friends") == [(kind, cut)]
    in_json = json.dumps({"key": whole})
    assert found(in_json) == [(kind, json.dumps(whole)[1:-1])]


def test_public_keys_and_certificates_are_none() -> None:
    for label in ("PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK"):
        assert found(f"-----BEGIN {label}-----\n{PEM_BODY}\n-----END {label}-----") == []
    assert found("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://app:Zq8!rT2w@db.internal/app", [("CONNECTION_STRING", "Zq8!rT2w")]),
        ("mongodb+srv://root:stone.orbit@c0.mongo.example.com/x", [("CONNECTION_STRING", "stone.orbit")]),
        ("git clone https://ana:Zq8rT2wx@git.example.com/a.git", [("BASIC_AUTH", "Zq8rT2wx")]),
        ("curl -u ana:Zq8rT2wx https://api.example.com", [("BASIC_AUTH", "Zq8rT2wx")]),
        ("DB_PASSWORD=Zq8rT2wx", [("ENVIRONMENT_VARIABLE_PASSWORD", "Zq8rT2wx")]),
        ('export SMTP_PASSWORD="Zq8_rT2wx"', [("ENVIRONMENT_VARIABLE_PASSWORD", "Zq8_rT2wx")]),
        ("Server=db1;Database=app;User Id=app;Password=Zq8rT2wx;", [("CONNECTION_STRING", "Zq8rT2wx")]),
        ("Driver={SQL Server};Server=db1;UID=app;PWD=Zq8!rT2wx", [("CONNECTION_STRING", "Zq8!rT2wx")]),
        ("jdbc:mysql://db1:3306/app?user=app&password=Zq8rT2wx&ssl=true", [("CONNECTION_STRING", "Zq8rT2wx")]),
        ("jdbc:sqlserver://db1:1433;user=app;password=Zq8rT2wx;encrypt=true", [("CONNECTION_STRING", "Zq8rT2wx")]),
        ("rediss://:Zq8rT2wx@cache.internal:6379/0", [("CONNECTION_STRING", "Zq8rT2wx")]),
        ("# backups\ndb1.internal:5432:app:ana:Zq8rT2wx\n", [("CONNECTION_STRING", "Zq8rT2wx")]),
        ("machine git.example.net\n  login ana\n  password Zq8rT2wx", [("BASIC_AUTH", "Zq8rT2wx")]),
        ('{"auths": {"r.example.net": {"auth": "YW5hOlpxOHJUMnd4"}}}', [("BASIC_AUTH", "YW5hOlpxOHJUMnd4")]),
        ("Authorization: Basic YW5hOlpxOHJUMnd4", [("BASIC_AUTH", "YW5hOlpxOHJUMnd4")]),
        ("password: Zb!vKnnA9B", [("PASSWORD", "Zb!vKnnA9B")]),
        ('<add key="smtp_password" value="PearlNova7118#" />', [("PASSWORD", "PearlNova7118#")]),
        ("my password is Tr0ub4dor&3, please help", [("PASSWORD", "Tr0ub4dor&3")]),
        ("The wifi password for the guests is sunny-Side-42.", [("PASSWORD", "sunny-Side-42")]),
        ("Das Passwort lautet Sommer2024!", [("PASSWORD", "Sommer2024!")]),
        ("mi contraseña es Verano#2024", [("PASSWORD", "Verano#2024")]),
        ("пароль: Zima2024!", [("PASSWORD", "Zima2024!")]),
        ("密码是Zima2024!", [("PASSWORD", "Zima2024!")]),
        (f"api_key = '{made(32)}'", [("GENERIC_SECRET", made(32))]),
        (f"the api key is {made(40)}", [("GENERIC_SECRET", made(40))]),
    ],
)
def test_credentials_known_by_their_surroundings(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "request id 8a0b69be-e606-c6bf-4cb1-48ce45dfec79",
        "commit cbc9a0c68efc8edea2cc6a7cdb54c7e46a2a4338",
        f'"integrity": "sha512-{made(86)}=="',
        f"--hash=sha256:{made(64, letters='0123456789abcdef')}",
        f'<img src="data:image/png;base64,iVBORw0KGgo{made(2000)}">',
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{made(43)} ana@laptop",
        f"fingerprint SHA256:{made(43)}",
        "API_KEY=YOUR_API_KEY",
        "api_key: <token>",
        "export TOKEN=${TOKEN}",
        "token = os.environ['TOKEN']",
        "api_key = config.get('api_key')",
        "password = getpass.getpass()",
        "password = input('Password: ')",
        "Authorization: Bearer xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7" + "EXAMPLE",
        "postgres://user:password@localhost/db",
        "postgres://user:${DB_PASSWORD}@localhost/db",
        "PASSWORD=file:/run/secrets/token",
        "PASSWORD_MIN_LENGTH = 12",
        "The password must have 12 characters and one digit.",
        "My password is wrong and I forgot it.",
        "the token was invalidated yesterday",
        "tokens = tokenizer.encode(text)",
        "primary_key = 'customer_order_2024_q1'",
        "public_key: " + made(44),
        "keys = sorted(d.keys())",
        "postgres://postgres:postgres@localhost:5432/app",
        "amqp://guest:guest@localhost",
        "jdbc:postgresql://db1:5432/app?user=app",
        "Server=db1;Database=app;Trusted_Connection=True;",
        "$Password = ConvertTo-SecureString -String $text",
        "keyPassphrase: providerOptions.oracleKeyPassphrase,",
        "password: secrets.yaml",
        '"tokens-reset": "2025-12-04T17:11:43Z"',
        "token = 'phc_" + made(43) + "'",
        "Image pull secrets: prometheus-k8s-dockercfg-6wl6b",
        "root:x:0:0:root:/root:/bin/bash",
    ],
)
def test_silent_on_look_alikes(text: str) -> None:
    assert found(text) == []


def test_reads_what_is_encoded() -> None:
    inner = f"DB_PASSWORD=Zq8rT2wx and the token ghp_{made(36)}"
    blob = base64.b64encode(inner.encode()).decode()
    findings = findings_of(DETECTOR, f"please decode {blob} for me", least=LIKELY)
    assert [finding.value for finding in findings] == [blob]


def test_reads_tool_arguments() -> None:
    secret = "ghp_" + made(36)
    arguments = json.dumps({"headers": {"Authorization": f"Bearer {secret}"}})
    call = {"id": "1", "type": "function", "function": {"name": "http_get", "arguments": arguments}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    (finding,) = findings_of(DETECTOR, messages, least=LIKELY)
    assert (finding.kind, finding.value) == ("GITHUB_TOKEN", secret)
    assert finding.span is not None
    assert arguments[finding.span.start : finding.span.end] == secret
    assert finding.evidence["provider"] == "GitHub"


def test_words_nearby_name_the_service() -> None:
    key = "AIza" + made(35)
    assert found(f"key {key}") == [("GOOGLE_API_KEY", key)]
    assert found(f"YouTube key {key}") == [("YOUTUBE_API_KEY", key)]


def test_disabled_kinds_are_not_found() -> None:
    text = f"token ghp_{made(36)}"
    setting = setting_for(DETECTOR, rules={"GITHUB_TOKEN": Rule(RuleAction.DISABLED)})
    assert "GITHUB_TOKEN" not in {finding.kind for finding in findings_of(DETECTOR, text, setting=setting)}


NEEDED = """SLACK_TOKEN RSA_PRIVATE_KEY SSH_DSA_PRIVATE_KEY SSH_EC_PRIVATE_KEY PGP_PRIVATE_KEY_BLOCK AWS_ACCESS_KEY_ID
AWS_SECRET_ACCESS_KEY AMAZON_MWS_AUTH_TOKEN FACEBOOK_ACCESS_TOKEN GITHUB_TOKEN JWT_TOKEN GOOGLE_API_KEY
GOOGLE_CLOUD_PLATFORM_API_KEY GOOGLE_DRIVE_API_KEY GOOGLE_CLOUD_PLATFORM_SERVICE_ACCOUNT GOOGLE_GMAIL_API_KEY
YOUTUBE_API_KEY MAILCHIMP_API_KEY MAILGUN_API_KEY BASIC_AUTH PICATIC_API_KEY SLACK_WEBHOOK STRIPE_API_KEY
STRIPE_RESTRICTED_API_KEY SQUARE_ACCESS_TOKEN SQUARE_OAUTH_SECRET TWILIO_API_KEY FIREBASE_URL
ENVIRONMENT_VARIABLE_PASSWORD OPENAI_API_KEY ANTHROPIC_API_KEY"""


def test_kinds_that_callers_rely_on_exist() -> None:
    assert set(NEEDED.split()) <= DETECTOR.kinds


def with_crc(prefix: str, body: str) -> str:
    """The token with its check letters: CRC-32 in base 62."""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    rest, letters = binascii.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        letters = alphabet[digit] + letters
    return prefix + body + letters


@pytest.mark.parametrize(
    ("prefix", "kind"), [("ghp_", "GITHUB_TOKEN"), ("ghs_", "GITHUB_TOKEN"), ("npm_", "NPM_TOKEN")]
)
def test_check_letters_make_a_token_surer(prefix: str, kind: str) -> None:
    genuine = with_crc(prefix, made(30))
    slipped = genuine[:-1] + ("a" if genuine[-1] != "a" else "b")
    for text, checksum, confidence in ((genuine, "valid", 0.99), (slipped, "wrong", 0.92)):
        (finding,) = findings_of(DETECTOR, f"use {text} there", least=LIKELY)
        assert (finding.kind, finding.value, finding.evidence["checksum"]) == (kind, text, checksum)
        assert finding.confidence == pytest.approx(confidence)


def test_service_account_file() -> None:
    """Both the id of the key and the key itself."""
    key = f"-----BEGIN PRIVATE KEY-----\n{PEM_BODY}\n-----END PRIVATE KEY-----\n"
    id_ = made(40, letters="0123456789abcdef")
    account = {"type": "service_account", "project_id": "p", "private_key_id": id_, "private_key": key}
    text = json.dumps(account, indent=2)
    assert found(text) == [
        ("GOOGLE_CLOUD_PLATFORM_SERVICE_ACCOUNT", id_),
        ("PRIVATE_KEY", json.dumps(key.rstrip())[1:-1]),
    ]


def test_credentials_file_of_aws() -> None:
    secret = made(40)
    text = f"[default]\naws_access_key_id = AKIA2J7MQK5VXW3RTZ6P\naws_secret_access_key = {secret}\n"
    assert found(text) == [("AWS_ACCESS_KEY_ID", "AKIA2J7MQK5VXW3RTZ6P"), ("AWS_SECRET_ACCESS_KEY", secret)]


def test_env_file() -> None:
    lines = {
        "DB_PASSWORD": "Zq8rT2wx",
        "SMTP_PASS": "kLm93!xy",
        "APP_SECRET_KEY": made(48),
        "PORT": "5432",
        "DEBUG": "true",
    }
    text = "\n".join(f"{name}={value}" for name, value in lines.items())
    assert [value for _, value in found(text)] == ["Zq8rT2wx", "kLm93!xy", made(48)]


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_spans_hold_in_any_surroundings(before: str, after: str) -> None:
    token = f"glpat-{made(20)}"
    text = f"{before} {token} {after}"
    findings = findings_of(DETECTOR, text)
    for finding in findings:
        assert finding.span is not None
        assert text[finding.span.start : finding.span.end] == finding.value
    assert any(finding.value == token for finding in findings)
