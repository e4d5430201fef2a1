"""Whether a grant is still worth anything, whoever asks: one answer for every endpoint."""

from dataclasses import replace

from tests.support.broker import Broker

from signet.broker.live_grant import why_ended


def test_a_grant_ends_with_its_client_whoever_looked_before() -> None:
    broker = Broker()
    connection, app = broker.connect(), broker.register_app()
    app.redeem(app.login(connection))
    (grant,) = broker.grants.items.values()
    assert why_ended(grant, clients=broker.clients, connections=broker.connections) is None
    broker.clients.put(replace(app.client, enabled=False))
    assert why_ended(grant, clients=broker.clients, connections=broker.connections)
