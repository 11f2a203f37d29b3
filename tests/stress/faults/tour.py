"""What a backend does in a day, once through, over HTTP: each answer is what its caller expects."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.e2e.services import Service
from tests.stress.faults.journal import NO_ANSWER, Answer, minor_of
from tests.stress.faults.load import Caller


class Tour:
    """Alice and Bob, new wallets of a client of their own, and every flow of the core."""

    def __init__(self, service: Service) -> None:
        self._caller = Caller(service)
        self.answers: list[Answer] = []

    def read(self, path: str, *, version: int = 0) -> Any:
        """GET something at least as new as a version of its wallet; return the JSON."""
        newest = {"X-Min-Version": str(version)} if version else {}
        return self._send("GET", path, None, 200, newest).json

    def act(self, path: str, body: Any = None, expected: int = 201) -> Answer:
        """POST twice with one key, as a caller who lost the answer: one effect, the same words."""
        headers = {"Idempotency-Key": f"tour-{uuid4()}"}
        first = self._send("POST", path, body, expected, headers)
        again = self._send("POST", path, body, expected, headers)
        assert again.is_repeat, (path, again)
        if first.status < 300:
            assert again.body == first.body, path
        else:  # the same refusal, with the id of another request
            assert again.json["code"] == first.json["code"], path
        return first

    def go(self) -> None:
        """Go through it; fail at the first answer that is not as it should be."""
        alice, bob = (self.act("/wallets", {"userId": name}).json["id"] for name in ("a", "b"))
        paid = self.act(f"/wallets/{alice}/deposit", {"amount": "100.00"}).json
        self.act(f"/wallets/{alice}/withdraw", {"amount": "30.00"})
        short = self.act(f"/wallets/{alice}/withdraw", {"amount": "1000.00"}, 422)
        assert short.json["code"] == "insufficient_funds"
        given = self.act(
            f"/wallets/{alice}/transfer", {"amount": "20.00", "destinationWalletId": bob}
        ).json
        assert self._balance(alice, given["version"]) == ("50.00", "0.00")
        self._hold_and_capture(alice)
        self._take_back(alice, bob, given["transactionId"])
        self._send_a_list(alice, bob)
        self._freeze(bob)
        self._look_back(alice, paid)

    def _hold_and_capture(self, alice: str) -> None:
        hold = self.act(f"/wallets/{alice}/holds", {"amount": "15.00"}).json
        assert self._balance(alice, hold["version"]) == ("50.00", "15.00")
        self.act(f"/holds/{hold['holdId']}/capture", {"amount": "10.00"})
        other = self.act(f"/wallets/{alice}/holds", {"amount": "5.00"}).json
        ended = self.act(f"/holds/{other['holdId']}/void", expected=200).json
        assert self._balance(alice, ended["version"]) == ("40.00", "0.00")

    def _take_back(self, alice: str, bob: str, transaction: str) -> None:
        back = self.act(f"/transactions/{transaction}/reverse", {"amount": "5.00"}).json
        assert self._balance(alice, back["version"]) == ("45.00", "0.00")
        self.act(f"/transactions/{transaction}/reverse", {"amount": "16.00"}, 422)
        assert self.read(f"/wallets/{bob}/balance")["walletId"] == bob

    def _send_a_list(self, alice: str, bob: str) -> None:
        items = [
            {"type": "DEPOSIT", "walletId": wallet, "amount": "1.00", "referenceId": f"l-{uuid4()}"}
            for wallet in (alice, bob, alice)
        ]
        done = self._send("POST", "/transactions/bulk", {"transactions": items}, 200, {})
        assert [one["status"] for one in done.json["results"]] == [201, 201, 201], done

    def _freeze(self, bob: str) -> None:
        self._send("POST", f"/wallets/{bob}/freeze", {"reason": "a look"}, 200, {})
        refused = self.act(f"/wallets/{bob}/deposit", {"amount": "1.00"}, 422)
        assert refused.json["code"] == "wallet_frozen"
        self._send("POST", f"/wallets/{bob}/unfreeze", {"reason": "looked"}, 200, {})
        self.act(f"/wallets/{bob}/deposit", {"amount": "1.00"})

    def _look_back(self, alice: str, paid: Any) -> None:
        version = self.read(f"/wallets/{alice}/balance")["version"]
        lines = self.read(f"/wallets/{alice}/transactions", version=version)["items"]
        assert lines[-1]["transactionId"] == paid["transactionId"]
        assert sum(_signed(line) for line in lines) == 4700, lines  # what is there now, in cents
        moment = paid["createdAt"]
        then = self.read(f"/wallets/{alice}/balance/historical?timestamp={moment}", version=version)
        assert then["balance"] == "100.00"
        told = self.read(f"/transactions/{paid['transactionId']}")
        assert told["amount"] == "100.00"

    def _balance(self, wallet: str, version: int) -> tuple[str, str]:
        told = self.read(f"/wallets/{wallet}/balance", version=version)
        return told["balance"], told["held"]

    def _send(
        self, method: str, path: str, body: Any, expected: int, headers: dict[str, str]
    ) -> Answer:
        answer = self._caller.send(method, path, body, **headers)
        if answer.status == NO_ANSWER:  # a connection that was kept for too long
            answer = self._caller.send(method, path, body, **headers)
        self.answers.append(answer)
        assert answer.status == expected, (method, path, answer)
        return answer


def _signed(line: Any) -> int:
    return minor_of(line["amount"]) * (1 if line["direction"] == "CREDIT" else -1)
