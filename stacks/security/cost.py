"""Cost monitoring: a budget of the organization, and a monitor for anomalies."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.budgets_budget import BudgetsBudget, BudgetsBudgetCostFilter, BudgetsBudgetNotification
from cdktf_cdktf_provider_aws.ce_anomaly_monitor import CeAnomalyMonitor
from cdktf_cdktf_provider_aws.ce_anomaly_subscription import CeAnomalySubscription, CeAnomalySubscriptionSubscriber

from stacks.security.controls import Controls
from strata.config.models import AnomalyMonitor, Budget, Security


def cost(stack: Controls, security: Security) -> None:
    """Makes the budget, the monitor and the subscription of its mails."""
    monitor = security.anomaly_monitor
    stack.make(security.budget, partial(budget, stack, "monthly", security.budget))
    stack.make(monitor, partial(_anomaly_monitor, stack, monitor))


def budget(
    stack: Controls, name: str, control: Budget, *, cost_filter: list[BudgetsBudgetCostFilter] | None = None
) -> None:
    """Makes a monthly budget: of all costs, or of those that a filter lets through."""
    thresholds = sorted(control.thresholds_percent)
    due = [(threshold, "ACTUAL") for threshold in thresholds] + [(thresholds[-1], "FORECASTED")]
    notifications = [
        BudgetsBudgetNotification(
            comparison_operator="GREATER_THAN",
            threshold=threshold,
            threshold_type="PERCENTAGE",
            notification_type=kind,
            subscriber_email_addresses=sorted(control.emails),
        )
        for threshold, kind in due
    ]
    stack.add(
        BudgetsBudget,
        name,
        name=f"{stack.project.short_name}-{name}",
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=f"{control.limit_usd}.0",
        limit_unit="USD",
        cost_filter=cost_filter,
        notification=notifications if control.emails else None,
    )


def _anomaly_monitor(stack: Controls, control: AnomalyMonitor) -> None:
    name = f"{stack.project.short_name}-services"
    monitor = stack.add(
        CeAnomalyMonitor, "services", name=name, monitor_type="DIMENSIONAL", monitor_dimension="SERVICE"
    )
    if control.on and not control.emails:
        return
    impact = {
        "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
        "match_options": ["GREATER_THAN_OR_EQUAL"],
        "values": [str(control.threshold_usd)],
    }
    stack.add(
        CeAnomalySubscription,
        "services",
        name=name,
        frequency="DAILY",
        monitor_arn_list=[monitor.arn],
        subscriber=[CeAnomalySubscriptionSubscriber(type="EMAIL", address=email) for email in sorted(control.emails)],
        threshold_expression={"dimension": impact},
    )
