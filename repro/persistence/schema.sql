-- The tables of the production persistence, for Postgres 12 and later. Safe to apply again.
-- Every id comes from the client, so that no sequence is touched and a repeat has the same ids.

-- One request of a caller. Its key stays unique for as long as the row is kept: deleting it (its jobs and its
-- outbox entry go with it) ends the time in which a repeat is recognised.
CREATE TABLE IF NOT EXISTS public.orchestrations (
    id uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    fingerprint text NOT NULL, -- SHA-256 of the jobs: tells a repeat from another request under the same key
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.jobs (
    id uuid PRIMARY KEY,
    orchestration_id uuid NOT NULL REFERENCES public.orchestrations (id) ON DELETE CASCADE,
    position integer NOT NULL, -- from 1, the order in which they are queued
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (orchestration_id, position)
);

-- What has still to be queued: one entry an orchestration, so that a relay claims all its jobs or none and their
-- order holds. An entry is kept when it has been pushed: a repeat of the request then finds it.
CREATE TABLE IF NOT EXISTS public.outbox (
    orchestration_id uuid PRIMARY KEY REFERENCES public.orchestrations (id) ON DELETE CASCADE,
    generation text NOT NULL DEFAULT left(md5(random()::text || clock_timestamp()::text), 16), -- the queue tells by it an entry from an earlier one under the same id
    created_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz, -- the lease of the relay that pushes it; null when nobody does
    claim_token bigint NOT NULL DEFAULT 0, -- the fencing token: a relay that was overtaken holds a lower one
    pushed_at timestamptz
);

CREATE INDEX IF NOT EXISTS outbox_pending ON public.outbox (created_at, orchestration_id) WHERE pushed_at IS NULL;
