"""Sentences that tell a password, and sentences about passwords that tell none, in seven languages."""

from __future__ import annotations

import pytest
from evidence import findings_of

from guardhouse.detectors.secrets.detector import SecretsDetector

LIKELY = 0.5
DETECTOR = SecretsDetector()

# The passwords are made up; the second member is what must be reported.
FOUND: tuple[tuple[str, str], ...] = (
    # English
    ("my password is Tr0ub4dor&3, please help", "Tr0ub4dor&3"),
    ("My password is hunter2x.", "hunter2x"),
    ("hey, the wifi password is sunny-Side-42", "sunny-Side-42"),
    ("The wifi password for the guests is Blue7Lagoon!", "Blue7Lagoon!"),
    ("pw: Qw8rT2wx", "Qw8rT2wx"),
    ("PW = Qw8rT2wx", "Qw8rT2wx"),
    ("pass: v3nus_Rising", "v3nus_Rising"),
    ("user ana, pwd: kLm93!xy", "kLm93!xy"),
    ("Password - Ocean*Drive9", "Ocean*Drive9"),
    ("password: patpup45", "patpup45"),
    ("Our admin password is still Winter2023!", "Winter2023!"),
    ("the root password is now G7#kPq2", "G7#kPq2"),
    ("The new password will be Mango$Tree7", "Mango$Tree7"),
    ("I changed the password to Rain&Snow88 yesterday", "Rain&Snow88"),
    ("please reset my password to N3wStart!!", "N3wStart!!"),
    ("set the database password to db_Zq8rT2", "db_Zq8rT2"),
    ("Qw8rT2wx! is my password, do not share it", "Qw8rT2wx!"),
    ("log in as ana and use fR33ze-Frame as the password", "fR33ze-Frame"),
    ('the password is "correct horse battery staple"', "correct horse battery staple"),
    ('my passphrase is "violet engine marble tide"', "violet engine marble tide"),
    ("the password is 'dragonfruit'", "dragonfruit"),
    ("my password is dragonfruit.", "dragonfruit"),
    ("our password is moonwalk and the user is ana", "moonwalk"),
    ("The passcode for the meeting is k9Trx2", "k9Trx2"),
    ("my pin is 4821", "4821"),
    ("the PIN: 904417", "904417"),
    ("my password's xK42mmPq", "xK42mmPq"),
    ("password for git.example.net is Lemon44Tree", "Lemon44Tree"),
    ("The password to my account is pUrple77rain", "pUrple77rain"),
    ("my creds are ana/Qw8rT2wxK", "Qw8rT2wxK"),
    ("login: ana / Qw8rT2wxK", "Qw8rT2wxK"),
    ("Credentials for staging: deploy:R4inbow_Road", "R4inbow_Road"),
    ("the password is **Qw8rT2wx**", "Qw8rT2wx"),
    ("the password is `Qw8rT2wx`", "Qw8rT2wx"),
    ("Password:\nQw8rT2wx", "Qw8rT2wx"),
    ("my password is p@sswrd", "p@sswrd"),
    ("my email is ana@example.net and my password is k1ttens4ever", "k1ttens4ever"),
    ("Wi-Fi key: 7Falcons-fly", "7Falcons-fly"),
    ("my bank password is 84512973", "84512973"),
    ("the password should be updated to Tiger^Lily5", "Tiger^Lily5"),
    # Spanish
    ("mi contraseña es Verano#2024", "Verano#2024"),
    ("Mi contraseña es: gatoNegro77", "gatoNegro77"),
    ("la contraseña del wifi es Sol2024playa", "Sol2024playa"),
    ("la clave es Z4pato!Rojo", "Z4pato!Rojo"),
    ("Clave: m1Casa2024", "m1Casa2024"),
    ("contraseña: perro$Azul9", "perro$Azul9"),
    ("cambié la contraseña a Luna&Mar33", "Luna&Mar33"),
    ("la nueva contraseña será Tormenta_88", "Tormenta_88"),
    ("la contraseña ahora es Rio7Grande", "Rio7Grande"),
    ("mi contraseña sigue siendo Qw8rT2wx", "Qw8rT2wx"),
    ("usa Pl4ya-Norte como contraseña", "Pl4ya-Norte"),
    ("mi clave para el banco es 55Girasol!", "55Girasol!"),
    # French
    ("mon mot de passe est Soleil#2024", "Soleil#2024"),
    ("Le mot de passe est : Chat0n-Bleu", "Chat0n-Bleu"),
    ("mdp : B0ulangerie!", "B0ulangerie!"),
    ("mot de passe: Qw8rT2wx", "Qw8rT2wx"),
    ("le mot de passe du wifi est Lune2miel", "Lune2miel"),
    ("le nouveau mot de passe sera Neige*Hiver7", "Neige*Hiver7"),
    ("j'ai changé le mot de passe en Printemps_24", "Printemps_24"),
    ("mon mot de passe est toujours V3lours!", "V3lours!"),
    ("mon mot de passe, c'est Gr4ndPere", "Gr4ndPere"),
    ("utilise R0uge-Gorge comme mot de passe", "R0uge-Gorge"),
    ("mes identifiants : ana / Cerise99x", "Cerise99x"),
    # German
    ("Das Passwort lautet Sommer2024!", "Sommer2024!"),
    ("Mein Passwort ist Katze&Hund5", "Katze&Hund5"),
    ("Passwort: Apfel_Baum7", "Apfel_Baum7"),
    ("Das WLAN-Passwort ist Nordwind88", "Nordwind88"),
    ("Das Benutzerpasswort lautet Qw8rT2wx", "Qw8rT2wx"),
    ("Kennwort: B3rgwerk!", "B3rgwerk!"),
    ("Das Kennwort für den Server ist Zug$pitze3", "Zug$pitze3"),
    ("Ich habe das Passwort auf Regen#Tag9 geändert", "Regen#Tag9"),
    ("Das Passwort lautet jetzt Fru3hling", "Fru3hling"),
    ("Mein Passwort ist immer noch Ha$e2020", "Ha$e2020"),
    ("Das neue Passwort heißt Lich7Blick", "Lich7Blick"),
    ("Nimm W4ldweg-12 als Passwort", "W4ldweg-12"),
    ("Zugangsdaten: ana / Kirsche42x", "Kirsche42x"),
    ("Unser Passwort ist 'Schmetterling'.", "Schmetterling"),
    # Portuguese
    ("minha senha é Praia#2024", "Praia#2024"),
    ("A senha é: cafe0Preto", "cafe0Preto"),
    ("senha: L4ranja!Doce", "L4ranja!Doce"),
    ("a senha do wifi é Mar7Azul", "Mar7Azul"),
    ("a nova senha será Chuva_99", "Chuva_99"),
    ("mudei a senha para Vento&Sol8", "Vento&Sol8"),
    ("minha senha agora é Qw8rT2wx", "Qw8rT2wx"),
    ("a minha palavra-passe é Azul3jo!", "Azul3jo!"),
    ("use P4o-de-Queijo como senha", "P4o-de-Queijo"),
    ("minha senha ainda é Gato*Preto2", "Gato*Preto2"),
    # Italian
    ("la mia password è Estate#2024", "Estate#2024"),
    ("La password è: cane5Rosso", "cane5Rosso"),
    ("la password del wifi è Monte7Bianco", "Monte7Bianco"),
    ("parola d'ordine: Z3bra_Gialla", "Z3bra_Gialla"),
    ("la nuova password sarà Pioggia&9", "Pioggia&9"),
    ("ho cambiato la password in Vento_Sud4", "Vento_Sud4"),
    ("la mia password adesso è Qw8rT2wx", "Qw8rT2wx"),
    ("la password rimane Luna*Piena3", "Luna*Piena3"),
    ("usa C4ffe-Nero come password", "C4ffe-Nero"),
    ("credenziali: ana / Limone88x", "Limone88x"),
    # Dutch
    ("mijn wachtwoord is Zomer#2024", "Zomer#2024"),
    ("Het wachtwoord luidt K4as&Brood", "K4as&Brood"),
    ("wachtwoord: Tulp_Veld7", "Tulp_Veld7"),
    ("het wifi-wachtwoord is Fiets88pad", "Fiets88pad"),
    ("het nieuwe wachtwoord wordt Regen!Dag3", "Regen!Dag3"),
    ("ik heb het wachtwoord gewijzigd naar Storm_Wind9", "Storm_Wind9"),
    ("mijn wachtwoord is nog steeds Qw8rT2wx", "Qw8rT2wx"),
    ("ww: Dr0pje!!", "Dr0pje!!"),
    ("gebruik M0len-Wiek als wachtwoord", "M0len-Wiek"),
    ("inloggegevens: ana / Stroop42x", "Stroop42x"),
)

HARMLESS: tuple[str, ...] = (
    # English
    "I forgot my password.",
    "My password is wrong and I cannot log in.",
    "my password is not working",
    "Your password is case-sensitive.",
    "Your password is write-protected",
    "The password must have 12 characters, one digit and one symbol.",
    "The password is required.",
    "The password is 12-16 characters long.",
    "A password should be at least 8-character long",
    "The password is stored in base64.",
    "The password is hashed with SHA-256 and a salt.",
    "the password is encrypted using AES-256",
    "Passwords are hashed with bcrypt12 by default",
    "The password was changed on 12/05/2024.",
    "My password expires in 30days",
    "The password was sent to ana@example.net.",
    "Your password reset link is https://example.net/reset/4711",
    "How do I change the password in Windows11?",
    "Save the passwords to passwords.txt",
    "Use a password manager like KeePass2.",
    "A weak password such as Summer2024! is easy to guess.",
    "For example, a password like Tr0ub4dor&3 is weak.",
    "Example password: Summer2024!",
    "password: YOUR_PASSWORD",
    "password: <your password>",
    "password: ********",
    "Password: (hidden)",
    "password = getpass.getpass()",
    "password = os.environ['DB_PASSWORD']",
    "password: form.cleaned_data.password",
    "PASSWORD=${DB_PASSWORD}",
    "The password field is in login.html",
    "the password is the same as on the old server",
    "My password is too short.",
    "my password is compromised, what now?",
    "Our password is secure.",
    'If the password is "incorrect", show an error.',
    'the error says "password is invalid"',
    "They asked what my password is and I told them nothing.",
    "He passed the exam with 98% on 03/04/2023.",
    "pass: 12, fail: 3",
    "Please pass `verbose=True` to the call.",
    "the boarding pass is A12",
    "The mountain pass is at 2,500m.",
    "The spinning wheel is broken",
    "Pin: version 2.31.0 of requests",
    "pin the package to 1.2.3",
    "the login page is at example.net/login",
    "login: see docs/login.md",
    "password for user user_id is missing",
    "Is the password rotated every 90-day period?",
    "password: req.body.password",
    "Set the password to something strong.",
    "change the password to a longer one",
    "The password prompt is at line42",
    "My password is, as I said before, none of your business.",
    "passphrase: optional",
    "The passcode is a number of 6 digits",
    # Spanish
    "Olvidé mi contraseña.",
    "La contraseña es incorrecta.",
    "mi contraseña es muy larga",
    "La contraseña debe tener 8 caracteres.",
    "la palabra clave es importante para el texto",
    "un factor clave es el precio de 2024",
    "La contraseña se guarda en SHA256",
    "los pares clave-valor en el contexto para Jinja2",
    # French
    "J'ai oublié mon mot de passe.",
    "Le mot de passe est incorrect.",
    "Votre mot de passe est obligatoire",
    "Le mot de passe doit contenir 8 caractères.",
    "mon mot de passe est trop court",
    "Le mot de passe est chiffré en AES256",
    # German
    "Ich habe mein Passwort vergessen.",
    "Das Passwort ist falsch.",
    "Mein Passwort ist abgelaufen.",
    "Das Passwort muss 12 Zeichen lang sein.",
    "Das Passwort ist 8-stellig.",
    "Das Passwort wird mit SHA-512 gespeichert",
    "Unser Kennwort ist geheim.",
    # Portuguese
    "Esqueci minha senha.",
    "A senha é obrigatória.",
    "minha senha é fraca",
    "A senha deve ter 8 caracteres",
    "a senha está errada",
    "A senha é guardada em base64",
    # Italian
    "Ho dimenticato la password.",
    "La password è errata.",
    "la mia password è scaduta.",
    "La password deve avere 8 caratteri",
    "la mia password è troppo corta",
    "la parola chiave è importante",
    # Dutch
    "Ik ben mijn wachtwoord vergeten.",
    "Het wachtwoord is onjuist.",
    "mijn wachtwoord is verlopen.",
    "Het wachtwoord moet 12 tekens lang zijn",
    "het wachtwoord is te kort",
    "Het wachtwoord is 8-cijferig",
)


@pytest.mark.parametrize(("text", "password"), FOUND, ids=[text[:40] for text, _ in FOUND])
def test_a_told_password_is_found_to_the_letter(text: str, password: str) -> None:
    (finding,) = findings_of(DETECTOR, text, least=LIKELY)
    assert finding.kind == "PASSWORD"
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == finding.value == password
    assert finding.span.start == text.index(password)


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:40])
def test_talk_about_passwords_is_harmless(text: str) -> None:
    found = findings_of(DETECTOR, text, least=LIKELY)
    assert [(finding.kind, finding.value) for finding in found] == []


def test_the_table_is_large_and_without_repeats() -> None:
    texts = [text for text, _ in FOUND] + list(HARMLESS)
    assert len(texts) == len(set(texts)) >= 200
