"""The tables behind the inbox, the leases, the outbox, the approvals and the corrections."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS inbox (
    trigger_id TEXT PRIMARY KEY, incident_id TEXT, source TEXT NOT NULL, site_incident TEXT,
    received_at TEXT NOT NULL, outcome TEXT NOT NULL, content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_named ON inbox (site_incident, incident_id);
CREATE INDEX IF NOT EXISTS inbox_incident ON inbox (incident_id);
CREATE TABLE IF NOT EXISTS incidents (
    incident_id TEXT PRIMARY KEY, status TEXT NOT NULL, principal TEXT NOT NULL,
    opened_at TEXT NOT NULL, window_start TEXT NOT NULL, window_end TEXT NOT NULL,
    perceived_severity TEXT NOT NULL, follows TEXT, attempts BIGINT NOT NULL,
    not_before TEXT NOT NULL, lease_owner TEXT, lease_until TEXT, begun_with TEXT,
    finished_at TEXT, message TEXT
);
CREATE INDEX IF NOT EXISTS incidents_turn ON incidents (status, opened_at);
CREATE TABLE IF NOT EXISTS incident_sites (
    incident_id TEXT NOT NULL, site TEXT NOT NULL, PRIMARY KEY (incident_id, site)
);
CREATE INDEX IF NOT EXISTS incident_sites_site ON incident_sites (site);
CREATE TABLE IF NOT EXISTS handling (
    incident_id TEXT PRIMARY KEY, taken_by TEXT, taken_name TEXT, taken_at TEXT,
    closed_by TEXT, closed_at TEXT
);
CREATE TABLE IF NOT EXISTS outbox (
    effect_key TEXT PRIMARY KEY, incident_id TEXT NOT NULL, sink TEXT NOT NULL,
    status TEXT NOT NULL, payload TEXT NOT NULL, created_at TEXT NOT NULL,
    attempts BIGINT NOT NULL, not_before TEXT NOT NULL, lease_until TEXT, ended_at TEXT,
    message TEXT
);
CREATE INDEX IF NOT EXISTS outbox_turn ON outbox (status, created_at);
CREATE INDEX IF NOT EXISTS outbox_incident ON outbox (incident_id);
CREATE TABLE IF NOT EXISTS approvals (
    effect_key TEXT PRIMARY KEY, asked_at TEXT NOT NULL, expires_at TEXT NOT NULL,
    decision TEXT, decided_by TEXT, decided_at TEXT
);
CREATE TABLE IF NOT EXISTS corrections (
    number {serial}, incident_id TEXT NOT NULL, site TEXT NOT NULL, verdict TEXT NOT NULL,
    cause TEXT NOT NULL, note TEXT NOT NULL, reviewer TEXT NOT NULL, decided_at TEXT NOT NULL,
    status TEXT NOT NULL, not_before TEXT NOT NULL, attempts BIGINT NOT NULL, message TEXT,
    ticket_id TEXT
);
CREATE INDEX IF NOT EXISTS corrections_incident ON corrections (incident_id);
CREATE TABLE IF NOT EXISTS spending (
    incident_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, spent_at TEXT NOT NULL,
    tokens BIGINT NOT NULL, cost_usd DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (incident_id, kind, name)
);
CREATE INDEX IF NOT EXISTS spending_hour ON spending (kind, name, spent_at)
"""
"""An incident is queued, running, finished or parked; a delivery waits for approval, is pending,
sent, denied, expired or failed."""
