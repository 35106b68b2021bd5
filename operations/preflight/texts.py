"""Check that texts can reach visitors: the SMS sandbox and the monthly spend limit."""

from operations.preflight.account import Account
from operations.preflight.needs import Needs
from operations.preflight.result import CheckResult, Level

SANDBOX, SPEND_LIMIT = "SMS sandbox", "texts' spend limit"
_TEXTS = "sns/v3/home#/mobile/text-messaging"
# The initial monthly limit of SNS, in US dollars.
_FIRST_LIMIT = 1.0


def check_sandbox(account: Account) -> CheckResult:
    """Check that the account has left the SMS sandbox, which texts only verified numbers."""
    name = SANDBOX
    if account.ask("sns", "get_sms_sandbox_account_status")["IsInSandbox"]:
        return CheckResult(
            name,
            Level.WARNING,
            "only numbers that you verified (at most ten) are texted",
            "verify your own to try it; choose 'Exit SMS sandbox' to go live",
            account.console(_TEXTS),
        )
    return CheckResult(name, Level.OK, "left: any number may be texted")


def check_spend_limit(account: Account, needs: Needs) -> CheckResult:
    """Check that the monthly spend limit is above the initial dollar and above the alarm."""
    name = SPEND_LIMIT
    asked = account.ask("sns", "get_sms_attributes", attributes=["MonthlySpendLimit"])
    limit = float(asked.get("attributes", {}).get("MonthlySpendLimit") or _FIRST_LIMIT)
    words, link = f"${limit:g} a month", account.console(_TEXTS)
    if limit <= _FIRST_LIMIT:
        found = f"{words}, about 30 texts; beyond it SNS accepts texts but sends none"
        return CheckResult(name, Level.WARNING, found, "request a higher spend limit", link)
    if needs.spend_alarm is not None and needs.spend_alarm >= limit:
        found = f"{words}, but the alarm is at {needs.spend_alarm:g}, which is too late"
        return CheckResult(
            name, Level.WARNING, found, "set texts_spend_alarm_usd below the limit", link
        )
    return CheckResult(name, Level.OK, words)
