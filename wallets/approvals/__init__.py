"""Four eyes: what one person asks for is done only when another person has approved it.

A *kind* says what can be asked for. An app that has one gives it a module `approval_kinds`, which
is imported at the start, and registers it there:

    from wallets.approvals.registry import Kind, Line, Outcome, register

    register(
        Kind(
            code="reopen_period",
            title="Re-open a period",
            validate=_validate,          # (Asked) -> None; raises a DomainError
            describe=_describe,          # (Approval) -> [Line("Status", "CLOSED", "OPEN")]
            carry_out=_carry_out,        # (Approval, Actor) -> Outcome("Re-opened.")
            request_right="periods.request_reopening",
            approve_right="periods.approve_reopening",
            is_atomic=True,
        )
    )

Without rights of its own a kind takes `approvals.request_approval` and `approvals.decide_approval`.
A form asks by one call of `request_approval(ask=Asked(kind=…, subject=…, payload={…}, reason=…,
ticket=…), by=actor)`, and leads to the page of the request, `row_link("approvals.approval", id)`.
What is asked for may not happen otherwise: `carry_out` is the only caller of the operation behind
it, or the operation takes the approval's id and asks `queries.approved(id, kind=…, subject=…)`.

`carry_out` must be safe to be called again after its process has died at any point:

- `is_atomic=True`: it is called inside the transaction that writes CARRIED_OUT, with the request's
  row locked, so its effect happens exactly once with it. It must not open a durable transaction.
- otherwise it has transactions of its own and must know its effect again by the approval's id. A
  movement takes `idempotency.approved(client, approval.id)` as its key.

It gets the checker as the actor, also when a task resumes it. A `DomainError` that is not
`Unavailable` is its final refusal: the request is FAILED and has what the error says. `Unavailable`
and what the database raises leave it APPROVED; beat tries again.
"""
