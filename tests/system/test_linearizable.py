# SPDX-License-Identifier: Apache-2.0
"""Two to eight clients race on conditional writes of one item; the history that they saw must be one of a single copy."""
import random
import threading
import time

import botocore.exceptions
import pytest

from conftest import LONG
from linearizable import Operation, is_linearizable

SECONDS = 20 if LONG else 1.5
MOST = 400  # operations of one client
KEY = {"pk": {"S": "raced"}}


class Item:
    """The raced item as the server's conditional operations make it."""

    def __init__(self, client, table):
        self.client, self.table = client, table

    def read(self):
        item = self.client.get_item(TableName=self.table, Key=KEY, ConsistentRead=True).get("Item")
        return item and item["v"]["S"]

    def attempt(self, call, **arguments):
        try:
            call(TableName=self.table, **arguments)
            return True
        except botocore.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "ConditionalCheckFailedException", e
            return False

    def create(self, new):
        return self.attempt(self.client.put_item, Item={**KEY, "v": {"S": new}}, ConditionExpression="attribute_not_exists(pk)")

    def change(self, old, new):
        return self.attempt(self.client.update_item, Key=KEY, UpdateExpression="SET v = :new", ConditionExpression="v = :old",
                            ExpressionAttributeValues={":new": {"S": new}, ":old": {"S": old}})

    def delete(self, old):
        return self.attempt(self.client.delete_item, Key=KEY, ConditionExpression="v = :old", ExpressionAttributeValues={":old": {"S": old}})


class Careless(Item):
    """A planted lost update: looks first and writes then, as a server without conditions in its transaction would."""

    def change(self, old, new):
        if self.read() != old:
            return False
        self.client.put_item(TableName=self.table, Item={**KEY, "v": {"S": new}})
        return True


def race(item_of, clients, seconds, seed=1):
    """The history of so many clients."""
    history, failures, ready = [], [], threading.Barrier(clients)
    end = time.monotonic() + seconds

    def run(number):
        item, chance = item_of(number), random.Random(seed * 100 + number)
        ready.wait()
        try:
            known = None
            for i in range(MOST):
                if time.monotonic() > end:
                    return
                kind = chance.choices(("read", "create", "change", "delete"), (3, 2, 6, 1))[0]
                if kind in ("change", "delete") and known is None:
                    kind = "read"
                new = f"{number}.{i}"
                arguments = {"read": (), "create": (new,), "change": (known, new), "delete": (known,)}[kind]
                begin = time.monotonic_ns()
                answer = getattr(item, kind)(*arguments)
                history.append(Operation(begin, time.monotonic_ns(), kind, known, new, answer))
                if kind == "read":
                    known = answer
                elif answer:
                    known = None if kind == "delete" else new
                elif kind == "change":
                    known = None
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    return history


@pytest.fixture(scope="module")
def table(shared_gust):
    client, number = shared_gust.client("dynamodb"), iter(range(1000))

    def make():
        name = f"raced-{next(number)}"
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
        return name

    return make


@pytest.mark.parametrize("clients", [2, 3, 5, 8])
def test_racing_conditional_writes_are_linearizable(shared_gust, table, clients):
    name = table()
    history = race(lambda n: Item(shared_gust.client("dynamodb"), name), clients, SECONDS)
    changes = [o for o in history if o.kind != "read"]
    assert any(o.answer for o in changes) and not all(o.answer for o in changes), "nobody raced"
    assert is_linearizable(history)


def test_a_planted_lost_update_is_noticed(shared_gust, table):
    for seed in range(10):
        name = table()
        if not is_linearizable(race(lambda n: Careless(shared_gust.client("dynamodb"), name), 8, SECONDS, seed)):
            return
    raise AssertionError("no lost update was noticed")


def test_versions_count_every_success_once(shared_gust, table):
    """A version counter: as many successes as the version says."""
    name, client = table(), shared_gust.client("dynamodb")
    client.put_item(TableName=name, Item={**KEY, "version": {"N": "0"}})
    successes = []

    def count(n):
        mine, end = shared_gust.client("dynamodb"), time.monotonic() + SECONDS
        while time.monotonic() < end:
            version = mine.get_item(TableName=name, Key=KEY, ConsistentRead=True)["Item"]["version"]
            try:
                mine.update_item(TableName=name, Key=KEY, UpdateExpression="ADD version :one", ConditionExpression="version = :seen",
                                 ExpressionAttributeValues={":one": {"N": "1"}, ":seen": version})
                successes.append(n)
            except botocore.exceptions.ClientError as e:
                assert e.response["Error"]["Code"] == "ConditionalCheckFailedException"

    threads = [threading.Thread(target=count, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int(client.get_item(TableName=name, Key=KEY)["Item"]["version"]["N"]) == len(successes) > 0


def test_the_checker_knows_right_from_wrong():
    def o(begin, end, kind, old=None, new=None, answer=None):
        return Operation(begin, end, kind, old, new, answer)

    created = o(0, 1, "create", new="a", answer=True)
    assert is_linearizable([])
    assert is_linearizable([created, o(2, 3, "read", answer="a")])
    assert not is_linearizable([created, o(2, 3, "read", answer=None)])  # stale
    assert is_linearizable([created, o(0, 3, "read", answer=None)])  # it may have come first
    one, other = o(2, 5, "change", "a", "b", True), o(3, 6, "change", "a", "c", True)
    assert not is_linearizable([created, one, other])  # both from the same value: one of them is lost
    assert is_linearizable([created, one, o(3, 6, "change", "a", "c", False)])
    assert is_linearizable([created, one, o(3, 6, "change", "b", "c", True), o(7, 8, "read", answer="c")])
    assert not is_linearizable([created, one, o(6, 7, "change", "b", "c", True), o(8, 9, "read", answer="b")])
    assert not is_linearizable([created, o(2, 3, "create", new="b", answer=True)])
    assert is_linearizable([created, o(2, 3, "delete", "a", answer=True), o(4, 5, "create", new="b", answer=True)])
