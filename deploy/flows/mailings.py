# SPDX-License-Identifier: Apache-2.0
"""Example flows for the example sendposts: python deploy/flows/mailings.py serves them until it is stopped.
Each works for about a second. They run on Prefect 2.20 and 3.x alike; nothing in them knows of sendpost."""
import datetime
import os
import time
from pathlib import Path

from prefect import flow, get_run_logger, serve, task


def work(seconds: float = 1.0) -> None:
    time.sleep(seconds)


@task
def read_customers(date: str, limit: int) -> list[str]:
    work()
    return [f"customer-{number}@example.org" for number in range(limit)]


@task
def render_letters(customers: list[str], audience: str) -> int:
    work()
    get_run_logger().info("rendered %d letters for %s", len(customers), audience)
    return len(customers)


@task
def deliver(channel: str, letters: int) -> None:
    work()
    get_run_logger().info("delivered %d letters by %s", letters, channel)


@task
def load_prices(date: str) -> None:
    work()
    get_run_logger().error("price list of %s has no column 'currency': ask the shop team", date)
    raise ValueError("missing column: currency")


@flow(name="etl")
def extract(date: str | None = None, limit: int = 10) -> None:
    read_customers(date or str(datetime.date.today()), limit)


@flow(name="mailing")
def render(date: str, audience: str = "all", limit: int = 10) -> None:
    customers = [f"customer-{number}@example.org" for number in range(limit)]
    render_letters(customers, audience)


@flow(name="mailing")
def send_email(date: str, letters: int = 10) -> None:
    deliver("e-mail", letters)


@flow(name="mailing")
def push_prepare(date: str) -> None:
    work()


@flow(name="mailing")
def push_send(date: str, letters: int = 10) -> None:
    deliver("push", letters)


@flow(name="mailing")
def report(date: str) -> None:
    get_run_logger().info("the mailing of %s is out", date)


@flow(name="shop")
def import_prices(date: str) -> None:
    load_prices(date)


DEPLOYMENTS = {
    "extract": extract,
    "render": render,
    "send-email": send_email,
    "push-prepare": push_prepare,
    "push-send": push_send,
    "report": report,
    "import-prices": import_prices,
}

if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent)  # Prefect wants the file below the working directory
    serve(*(function.to_deployment(name=name) for name, function in DEPLOYMENTS.items()), limit=10)
