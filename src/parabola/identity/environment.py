"""The environment: what clerk-js asks first, to know which forms to show (clerk spec, section 7). Pure.

Everything that would need a third party is off: social sign-in, phones, captcha, organizations, billing. Every URL is
empty, which keeps people on the page that they are on.
"""

from __future__ import annotations

from typing import Any, Final

from parabola.identity import passwords
from parabola.identity.settings import IdentitySettings
from parabola.identity.sign_up_rules import USERNAME_LENGTHS

Json = dict[str, Any]

_EMPTY_URLS: Final = (
    "sign_in_url", "sign_up_url", "home_url", "user_profile_url", "waitlist_url", "after_sign_in_url",
    "after_sign_up_url", "after_sign_out_one_url", "after_sign_out_all_url", "after_switch_session_url",
    "after_join_waitlist_url", "after_leave_organization_url", "after_create_organization_url",
    "organization_profile_url", "create_organization_url", "logo_link_url", "logo_image_url", "favicon_image_url",
    "terms_url", "privacy_policy_url",
)  # fmt: skip
_ATTRIBUTES_OFF: Final = ("phone_number", "username", "web3_wallet", "authenticator_app", "backup_code", "passkey")


def environment_shape(settings: IdentitySettings, instance_id: str) -> Json:
    """The whole object. `instance_id` names this identity server."""
    return {
        "object": "environment",
        "id": instance_id,
        "maintenance_mode": False,
        "client_debug_mode": False,
        "partitioned_cookies": False,
        "protect_config": None,
        "auth_config": {
            "object": "auth_config",
            "id": f"aconf_{instance_id}",
            "single_session_mode": settings.single_session,
            "claimed_at": None,
            "reverification": False,
            "preferred_channels": None,
        },
        "display_config": _display_config(settings, instance_id),
        "user_settings": _user_settings(settings),
        "organization_settings": {
            "enabled": False,
            "force_organization_selection": False,
            "max_allowed_memberships": 0,
            "actions": {"admin_delete": False},
            "domains": {"enabled": False, "enrollment_modes": [], "default_role": None},
            "slug": {"disabled": True},
            "organization_creation_defaults": {"enabled": False},
        },
        "commerce_settings": {
            "billing": {
                "stripe_publishable_key": None,
                "enabled": False,
                "has_paid_user_plans": False,
                "has_paid_org_plans": False,
                "user": {"enabled": False, "has_paid_plans": False},
                "organization": {"enabled": False, "has_paid_plans": False},
            }
        },
        "api_keys_settings": {
            "enabled": False,
            "user_api_keys_enabled": False,
            "show_in_user_profile": False,
            "orgs_api_keys_enabled": False,
            "show_in_org_profile": False,
        },
    }


def _display_config(settings: IdentitySettings, instance_id: str) -> Json:
    return {
        "object": "display_config",
        "id": f"dconf_{instance_id}",
        # The keys are test keys in every mode, and clerk-js trusts the key over this.
        "instance_environment_type": "development",
        "application_name": settings.application_name,
        "theme": {
            "general": {
                "color": "#2f3037",
                "padding": "1em",
                "box_shadow": "0 2px 8px rgba(0, 0, 0, 0.2)",
                "font_color": "#151515",
                "font_family": "sans-serif",
                "border_radius": "0.5em",
                "background_color": "#ffffff",
                "label_font_weight": "600",
            },
            "buttons": {"font_color": "#ffffff", "font_family": "sans-serif", "font_weight": "600"},
            "accounts": {"background_color": "#ffffff"},
        },
        "preferred_sign_in_strategy": "password",
        "branded": False,
        "show_devmode_warning": False,
        "clerk_js_version": "5",
        "support_email": "",
        **dict.fromkeys(_EMPTY_URLS, ""),
        "captcha_public_key": None,
        "captcha_widget_type": None,
        "captcha_public_key_invisible": None,
        "captcha_provider": "turnstile",
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": False,
        "google_one_tap_client_id": None,
    }


def _user_settings(settings: IdentitySettings) -> Json:
    shortest, longest = USERNAME_LENGTHS
    return {
        "attributes": {
            "email_address": _attribute(
                "email_address", required=True, factors=["email_code"], verify=settings.verify_email_at_sign_up
            ),
            "password": _attribute("password", required=True, factors=[]),
            "first_name": _attribute("first_name", required=False, factors=[]),
            "last_name": _attribute("last_name", required=False, factors=[]),
            **{name: _attribute(name, enabled=False, required=False, factors=[]) for name in _ATTRIBUTES_OFF},
        },
        "sign_in": {"second_factor": {"required": False, "enabled": False}},
        "sign_up": {
            # A captcha needs a script from elsewhere.
            "captcha_enabled": False,
            "captcha_widget_type": None,
            "progressive": True,
            "mode": settings.sign_up_mode,
            "legal_consent_enabled": False,
            "allowlist_only": False,
            "custom_action_required": False,
        },
        "password_settings": {
            "min_length": passwords.LENGTH_MIN,
            "max_length": passwords.LENGTH_MAX,
            "disable_hibp": True,
            "require_special_char": False,
            "require_numbers": False,
            "require_uppercase": False,
            "require_lowercase": False,
            "show_zxcvbn": False,
            "min_zxcvbn_strength": 0,
            "allowed_special_characters": "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
        },
        "username_settings": {"min_length": shortest, "max_length": longest},
        "actions": {
            "delete_self": settings.delete_self,
            "create_organization": False,
            "create_organizations_limit": None,
        },
        "social": {},
        "saml": {"enabled": False},
        "enterprise_sso": {"enabled": False, "self_serve_sso": False},
        "passkey_settings": {"allow_autofill": False, "show_sign_in_button": False},
        "attack_protection": {"enumeration_protection": {"enabled": settings.enumeration_protection}},
    }


def _attribute(name: str, *, required: bool, factors: list[str], enabled: bool = True, verify: bool = False) -> Json:
    return {
        "name": name,
        "enabled": enabled,
        "required": required,
        "used_for_first_factor": bool(factors),
        "first_factors": factors,
        "used_for_second_factor": False,
        "second_factors": [],
        "verifications": factors,
        "verify_at_sign_up": verify,
    }
