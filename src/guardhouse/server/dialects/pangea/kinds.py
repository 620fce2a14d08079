"""The vendor's rules for personal data and secrets, and our kinds that each stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from guardhouse.model.evaluation import AppliedFinding, Evaluation
from guardhouse.server.dialects.markers import marked_texts

PII_RULES: Mapping[str, tuple[str, ...]] = {
    "email_address": ("EMAIL_ADDRESS",),
    "nrp": ("NRP",),
    "location": ("LOCATION",),
    "person": ("PERSON",),
    "phone_number": ("PHONE_NUMBER",),
    "date_time": ("DATE_TIME",),
    "ip_address": ("IP_ADDRESS",),
    "url": ("URL",),
    "money": ("MONEY",),
    "credit_card": ("CREDIT_CARD",),
    "crypto": ("CRYPTO",),
    "iban_code": ("IBAN_CODE",),
    "us_bank_number": ("US_BANK_NUMBER",),
    "nif": ("NIF",),
    "fin/nric": ("FIN_NRIC",),
    "au_abn": ("AU_ABN",),
    "au_acn": ("AU_ACN",),
    "au_tfn": ("AU_TFN",),
    "medical_license": ("MEDICAL_LICENSE",),
    "uk_nhs": ("UK_NHS",),
    "au_medicare": ("AU_MEDICARE",),
    "us_drivers_license": ("US_DRIVERS_LICENSE",),
    "us_itin": ("US_ITIN",),
    "us_passport": ("US_PASSPORT",),
    "us_ssn": ("US_SSN",),
}

SECRET_RULES: Mapping[str, tuple[str, ...]] = {
    "slack_token": ("SLACK_TOKEN",),
    "rsa_private_key": ("RSA_PRIVATE_KEY", "PRIVATE_KEY", "ENCRYPTED_PRIVATE_KEY"),
    "ssh_dsa_private_key": ("SSH_DSA_PRIVATE_KEY",),
    "ssh_ec_private_key": ("SSH_EC_PRIVATE_KEY", "OPENSSH_PRIVATE_KEY"),
    "pgp_private_key_block": ("PGP_PRIVATE_KEY_BLOCK",),
    "amazon_aws_access_key_id": ("AWS_ACCESS_KEY_ID",),
    "amazon_aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "amazon_mws_auth_token": ("AMAZON_MWS_AUTH_TOKEN",),
    "facebook_access_token": ("FACEBOOK_ACCESS_TOKEN",),
    "github_access_token": ("GITHUB_TOKEN",),
    "jwt_token": ("JWT_TOKEN",),
    "google_api_key": ("GOOGLE_API_KEY",),
    "google_cloud_platform_api_key": ("GOOGLE_CLOUD_PLATFORM_API_KEY",),
    "google_drive_api_key": ("GOOGLE_DRIVE_API_KEY",),
    "google_cloud_platform_service_account": ("GOOGLE_CLOUD_PLATFORM_SERVICE_ACCOUNT",),
    "google_gmail_api_key": ("GOOGLE_GMAIL_API_KEY",),
    "youtube_api_key": ("YOUTUBE_API_KEY",),
    "mailchimp_api_key": ("MAILCHIMP_API_KEY",),
    "mailgun_api_key": ("MAILGUN_API_KEY",),
    "basic_auth": ("BASIC_AUTH",),
    "picatic_api_key": ("PICATIC_API_KEY",),
    "slack_webhook": ("SLACK_WEBHOOK",),
    "stripe_api_key": ("STRIPE_API_KEY",),
    "stripe_restricted_api_key": ("STRIPE_RESTRICTED_API_KEY",),
    "square_access_token": ("SQUARE_ACCESS_TOKEN",),
    "square_oauth_secret": ("SQUARE_OAUTH_SECRET",),
    "twilio_api_key": ("TWILIO_API_KEY", "TWILIO_AUTH_TOKEN"),
    "pangea_token": ("PANGEA_TOKEN",),
}

_TYPES = {kinds[0]: rule.upper() for rules in (PII_RULES, SECRET_RULES) for rule, kinds in rules.items()}


def vendor_type(kind: str) -> str:
    """The entity type of one of our kinds; what the vendor has no rule for keeps our name."""
    return _TYPES.get(kind, kind)


def redact_type(kind: str) -> str:
    """The same as the Redact service spells it, which differs in one."""
    return "US_DRIVER_LICENSE" if kind == "US_DRIVERS_LICENSE" else vendor_type(kind)


def in_vendor_types(evaluation: Evaluation, type_of: Callable[[str], str] = vendor_type) -> Evaluation:
    """`evaluation` with the vendor's `<TYPE>` wherever the engine put `<KIND>` into a text."""
    kinds = {redaction.kind for redaction in evaluation.redactions}
    markers = {f"<{kind}>": f"<{type_of(kind)}>" for kind in kinds if type_of(kind) != kind}
    if not markers:
        return evaluation

    def retyped(applied: AppliedFinding) -> AppliedFinding:
        marker = markers.get(applied.replacement or "")
        return applied if marker is None else replace(applied, replacement=marker)

    return replace(
        evaluation,
        reports=tuple(replace(report, findings=tuple(map(retyped, report.findings))) for report in evaluation.reports),
        texts=marked_texts(evaluation, lambda redaction: markers.get(redaction.replacement)),
    )
