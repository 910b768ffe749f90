import { type Kysely, sql } from 'kysely'

/** The queue: its rows, what may become of them, and each step as one function. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...tables, ...functions]) await sql.raw(statement).execute(db)
}

const tables = [
  `CREATE TABLE builds.api_key (
    id text PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'submitter')),
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
  )`,
  `CREATE TABLE builds.worker (
    id text PRIMARY KEY,
    name text NOT NULL,
    platforms text[] NOT NULL,
    labels text[] NOT NULL,
    capabilities jsonb NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'here' CHECK (state IN ('here', 'draining', 'left')),
    builds_completed integer NOT NULL DEFAULT 0,
    builds_failed integer NOT NULL DEFAULT 0,
    registered_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
  ) WITH (fillfactor = 70)`,
  // available_at: minus infinity without a back-off, so that no clock holds up what is new.
  // position: priority is worth minutes of age, so that nothing waits for ever.
  // beat: what tells one sign of life from the next, by no clock.
  // losses: attempts that ended without a word of their worker.
  `CREATE TABLE builds.build (
    id text PRIMARY KEY,
    owner text NOT NULL,
    platform text NOT NULL CHECK (platform IN ('ios', 'android')),
    labels text[] NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN -10 AND 10),
    status text NOT NULL CHECK (status IN
      ('pending', 'assigned', 'building', 'completed', 'failed', 'cancelled', 'dead')),
    token_hash bytea NOT NULL,
    idempotency_key text,
    retry_of text,
    source_name text NOT NULL,
    source_bytes bigint NOT NULL,
    source_sha256 bytea NOT NULL,
    certs_name text,
    certs_bytes bigint,
    result_name text,
    result_bytes bigint,
    result_sha256 bytea,
    files_removed_at timestamptz,
    submitted_at timestamptz NOT NULL,
    position timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    assigned_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    worker_id text,
    lease_hash bytea,
    lease_seconds integer,
    beat bigint NOT NULL DEFAULT 0,
    heard_at timestamptz,
    otp_hash bytea,
    otp_tries smallint NOT NULL DEFAULT 0,
    vm_token_hash bytea,
    vm_ready_at timestamptz,
    reason text,
    failure text CHECK (failure IN ('build', 'lost-worker', 'abandoned', 'time-limit')),
    log_lines bigint NOT NULL DEFAULT 0,
    log_bytes bigint NOT NULL DEFAULT 0,
    cpu_samples integer NOT NULL DEFAULT 0,
    cpu_percent_sum float8 NOT NULL DEFAULT 0,
    memory_mb_peak float8 NOT NULL DEFAULT 0,
    CONSTRAINT finished_has_time CHECK
      ((status IN ('completed', 'failed', 'cancelled', 'dead')) = (finished_at IS NOT NULL)),
    CONSTRAINT held_has_lease CHECK
      (status NOT IN ('assigned', 'building') OR (worker_id IS NOT NULL AND lease_hash IS NOT NULL)),
    CONSTRAINT pending_has_no_secrets CHECK
      (status <> 'pending' OR (lease_hash IS NULL AND otp_hash IS NULL AND vm_token_hash IS NULL))
  ) WITH (fillfactor = 70)`,
  `CREATE INDEX build_next ON builds.build (platform, position, id) WHERE status = 'pending'`,
  // And no worker ever holds two.
  `CREATE UNIQUE INDEX build_held ON builds.build (worker_id)
    WHERE status IN ('assigned', 'building')`,
  `CREATE UNIQUE INDEX build_once ON builds.build (owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL`,
  `CREATE INDEX build_newest ON builds.build (submitted_at DESC, id DESC)`,
  `CREATE INDEX build_ended ON builds.build (finished_at) WHERE finished_at IS NOT NULL`,
  `CREATE TABLE builds.log (
    build_id text NOT NULL REFERENCES builds.build ON DELETE CASCADE,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    level text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
    message text NOT NULL,
    PRIMARY KEY (build_id, number)
  )`,
  // What workers found of themselves.
  `CREATE TABLE builds.diagnosis (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('healthy', 'warning', 'critical')),
    duration_ms integer NOT NULL,
    auto_fixed boolean NOT NULL,
    checks jsonb NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX diagnosis_of_worker ON builds.diagnosis (worker_id, id)`,
  // What happened, for people and, until it was told, for NATS.
  `CREATE TABLE builds.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    build_id text,
    worker_id text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    data jsonb NOT NULL,
    told_at timestamptz
  ) WITH (fillfactor = 80)`,
  `CREATE INDEX event_untold ON builds.event (id) WHERE told_at IS NULL`,
  `CREATE INDEX event_of_build ON builds.event (build_id, id)`,
]

const functions = [
  // Whatever statement it comes from: what has ended stays as it is.
  `CREATE FUNCTION builds.check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT (OLD.status, NEW.status) IN (
      ('pending', 'assigned'), ('pending', 'cancelled'),
      ('assigned', 'building'), ('building', 'completed'), ('building', 'failed'),
      ('assigned', 'completed'), ('assigned', 'failed'),
      ('assigned', 'pending'), ('building', 'pending'), ('assigned', 'dead'), ('building', 'dead'),
      ('assigned', 'cancelled'), ('building', 'cancelled')
    ) THEN
      RAISE EXCEPTION 'a build that is % does not become %', OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$`,
  `CREATE TRIGGER build_transition BEFORE UPDATE OF status ON builds.build
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION builds.check_transition()`,

  // The worker's row is locked before a build's, here and in each function: two polls of one worker
  // wait for each other, and nothing waits in a circle.
  `CREATE FUNCTION builds.claim(
    p_token_hash bytea, p_worker_id text, p_lease_hash bytea, p_otp_hash bytea,
    p_lease_seconds integer,
    OUT outcome text, OUT worker_id text, OUT platforms text[], OUT build_id text, OUT platform text,
    OUT source_bytes bigint, OUT has_certs boolean, OUT attempt integer, OUT submitted_at timestamptz
  ) LANGUAGE plpgsql AS $$
  DECLARE
    w builds.worker;
    b builds.build;
  BEGIN
    IF p_token_hash IS NOT NULL THEN
      SELECT * INTO w FROM builds.worker x WHERE x.token_hash = p_token_hash FOR NO KEY UPDATE;
    ELSE
      SELECT * INTO w FROM builds.worker x WHERE x.id = p_worker_id FOR NO KEY UPDATE;
    END IF;
    IF NOT FOUND THEN
      outcome := 'unknown-worker';
      RETURN;
    END IF;
    worker_id := w.id;
    platforms := w.platforms;
    IF w.state = 'left' OR w.seen_at < now() - interval '5 seconds' OR w.seen_at > now() THEN
      UPDATE builds.worker x SET seen_at = now(),
        state = CASE x.state WHEN 'left' THEN 'here' ELSE x.state END WHERE x.id = w.id;
    END IF;

    SELECT * INTO b FROM builds.build x
      WHERE x.worker_id = w.id AND x.status IN ('assigned', 'building') FOR UPDATE;
    IF FOUND THEN
      -- The answer that it was given with may have been lost. The latest answer counts.
      outcome := 'again';
      UPDATE builds.build x SET lease_hash = p_lease_hash, otp_hash = p_otp_hash, otp_tries = 0
        WHERE x.id = b.id;
    ELSIF w.state = 'draining' THEN
      outcome := 'draining';
      RETURN;
    ELSE
      -- No back-off is longer than ten minutes: what lies further ahead is of a clock that was set back.
      SELECT c.* INTO b FROM unnest(w.platforms) AS p(name) CROSS JOIN LATERAL (
        SELECT * FROM builds.build x
        WHERE x.status = 'pending' AND x.platform = p.name AND x.labels <@ w.labels
          AND (x.available_at <= now() OR x.available_at > now() + interval '10 minutes')
        ORDER BY x.position, x.id LIMIT 1 FOR UPDATE SKIP LOCKED
      ) c ORDER BY c.position, c.id LIMIT 1;
      IF NOT FOUND THEN
        outcome := 'none';
        RETURN;
      END IF;
      outcome := 'claimed';
      b.attempt := b.attempt + 1;
      UPDATE builds.build x SET status = 'assigned', worker_id = w.id, attempt = b.attempt,
        assigned_at = now(), started_at = NULL, heard_at = NULL, beat = x.beat + 1,
        lease_hash = p_lease_hash, lease_seconds = p_lease_seconds,
        otp_hash = p_otp_hash, otp_tries = 0, vm_token_hash = NULL, vm_ready_at = NULL
        WHERE x.id = b.id;
      INSERT INTO builds.event (kind, build_id, worker_id, data) VALUES ('build.assigned', b.id, w.id,
        jsonb_build_object('attempt', b.attempt,
          'waitedMs', round(extract(epoch FROM now() - b.submitted_at) * 1000)));
    END IF;
    build_id := b.id;
    platform := b.platform;
    source_bytes := b.source_bytes;
    has_certs := b.certs_name IS NOT NULL;
    attempt := b.attempt;
    submitted_at := b.submitted_at;
  END $$`,

  // Whether who presents these holds, or last held, the build. A worker is named where it proved
  // itself and its client knows of no leases.
  `CREATE FUNCTION builds.holds(
    b builds.build, p_lease_hash bytea, p_vm_hash bytea, p_worker_id text
  ) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
      WHEN p_lease_hash IS NOT NULL THEN b.lease_hash IS NOT DISTINCT FROM p_lease_hash
      WHEN p_vm_hash IS NOT NULL THEN b.vm_token_hash IS NOT DISTINCT FROM p_vm_hash
      ELSE p_worker_id IS NOT NULL AND b.worker_id IS NOT DISTINCT FROM p_worker_id
    END
  $$`,

  `CREATE FUNCTION builds.beat(
    p_build_id text, p_lease_hash bytea, p_vm_hash bytea, p_worker_id text, p_lease_seconds integer,
    OUT outcome text, OUT status text, OUT expires_at timestamptz
  ) LANGUAGE plpgsql AS $$
  DECLARE
    b builds.build;
  BEGIN
    SELECT * INTO b FROM builds.build x WHERE x.id = p_build_id FOR UPDATE;
    IF NOT FOUND THEN
      outcome := 'unknown';
      RETURN;
    END IF;
    status := b.status;
    IF NOT builds.holds(b, p_lease_hash, p_vm_hash, p_worker_id) THEN
      outcome := 'not-held';
      RETURN;
    END IF;
    IF b.status NOT IN ('assigned', 'building') THEN
      outcome := 'ended';
      RETURN;
    END IF;
    outcome := 'held';
    status := 'building';
    expires_at := now() + make_interval(secs => p_lease_seconds);
    UPDATE builds.build x SET status = 'building', started_at = coalesce(x.started_at, now()),
      heard_at = now(), beat = x.beat + 1, lease_seconds = p_lease_seconds WHERE x.id = b.id;
    IF b.status = 'assigned' THEN
      INSERT INTO builds.event (kind, build_id, worker_id, data)
        VALUES ('build.started', b.id, b.worker_id, jsonb_build_object('attempt', b.attempt));
    END IF;
  END $$`,

  // The same report again is the same answer; any other about what has ended is refused.
  `CREATE FUNCTION builds.finish(
    p_build_id text, p_lease_hash bytea, p_vm_hash bytea, p_worker_hash bytea, p_worker_id text,
    p_status text, p_reason text, p_result_name text, p_result_bytes bigint, p_result_sha256 bytea,
    OUT outcome text, OUT status text, OUT result_name text
  ) LANGUAGE plpgsql AS $$
  DECLARE
    b builds.build;
    holder text;
    reporter text := p_worker_id;
  BEGIN
    IF p_worker_hash IS NOT NULL THEN
      SELECT x.id INTO reporter FROM builds.worker x WHERE x.token_hash = p_worker_hash;
      IF NOT FOUND THEN
        outcome := 'unknown-worker';
        RETURN;
      END IF;
    END IF;
    SELECT x.worker_id INTO holder FROM builds.build x WHERE x.id = p_build_id;
    IF NOT FOUND THEN
      outcome := 'unknown';
      RETURN;
    END IF;
    PERFORM 1 FROM builds.worker x WHERE x.id = holder FOR NO KEY UPDATE;
    SELECT * INTO b FROM builds.build x WHERE x.id = p_build_id FOR UPDATE;
    status := b.status;
    result_name := b.result_name;
    IF b.worker_id IS DISTINCT FROM holder
      OR NOT builds.holds(b, p_lease_hash, p_vm_hash, reporter)
      OR (reporter IS NOT NULL AND b.worker_id IS DISTINCT FROM reporter) THEN
      outcome := 'not-held';
      RETURN;
    END IF;
    IF b.status NOT IN ('assigned', 'building') THEN
      outcome := CASE WHEN b.status = p_status
        AND (p_result_sha256 IS NULL OR p_result_sha256 = b.result_sha256)
        THEN 'repeated' ELSE 'ended' END;
      RETURN;
    END IF;
    IF p_status = 'completed' AND p_result_name IS NULL THEN
      outcome := 'no-result';
      RETURN;
    END IF;
    outcome := 'finished';
    status := p_status;
    result_name := p_result_name;
    UPDATE builds.build x SET status = p_status, finished_at = now(), reason = p_reason,
      failure = CASE p_status WHEN 'failed' THEN 'build' END, otp_hash = NULL,
      result_name = p_result_name, result_bytes = p_result_bytes, result_sha256 = p_result_sha256
      WHERE x.id = b.id;
    UPDATE builds.worker x SET seen_at = now(),
      builds_completed = x.builds_completed + (p_status = 'completed')::integer,
      builds_failed = x.builds_failed + (p_status = 'failed')::integer WHERE x.id = b.worker_id;
    INSERT INTO builds.event (kind, build_id, worker_id, data)
      VALUES ('build.' || p_status, b.id, b.worker_id, jsonb_strip_nulls(jsonb_build_object(
        'attempt', b.attempt, 'reason', p_reason, 'resultBytes', p_result_bytes,
        'tookMs', round(extract(epoch FROM now() - b.assigned_at) * 1000))));
  END $$`,

  // p_beat: only if nothing was heard since. p_counts: whether it is one of the losses that a build
  // may have; what a worker gives back when it leaves in order is none.
  `CREATE FUNCTION builds.take_back(
    p_build_id text, p_attempt integer, p_beat bigint, p_failure text, p_reason text,
    p_counts boolean, p_max_losses integer, p_delay_seconds integer,
    OUT outcome text, OUT platform text
  ) LANGUAGE plpgsql AS $$
  DECLARE
    b builds.build;
    holder text;
    lost integer;
  BEGIN
    SELECT x.worker_id INTO holder FROM builds.build x WHERE x.id = p_build_id;
    PERFORM 1 FROM builds.worker x WHERE x.id = holder FOR NO KEY UPDATE;
    SELECT * INTO b FROM builds.build x WHERE x.id = p_build_id FOR UPDATE;
    IF b.id IS NULL OR b.status NOT IN ('assigned', 'building') OR b.attempt <> p_attempt
      OR (p_beat IS NOT NULL AND b.beat <> p_beat) OR b.worker_id IS DISTINCT FROM holder THEN
      outcome := 'not-held';
      RETURN;
    END IF;
    platform := b.platform;
    lost := b.losses + p_counts::integer;
    IF p_failure = 'lost-worker' THEN
      -- What it still says is of an attempt that is over: it has to register again.
      UPDATE builds.worker x SET state = 'left', token_hash = sha256(uuid_send(gen_random_uuid()))
        WHERE x.id = b.worker_id;
    END IF;
    IF p_failure = 'time-limit' OR lost >= p_max_losses THEN
      outcome := CASE p_failure WHEN 'time-limit' THEN 'failed' ELSE 'dead' END;
      UPDATE builds.build x SET status = outcome, finished_at = now(), reason = p_reason,
        failure = p_failure, losses = lost, lease_hash = NULL, otp_hash = NULL, vm_token_hash = NULL
        WHERE x.id = b.id;
      UPDATE builds.worker x SET builds_failed = x.builds_failed + 1 WHERE x.id = b.worker_id;
    ELSE
      outcome := 'requeued';
      UPDATE builds.build x SET status = 'pending', losses = lost, reason = p_reason,
        available_at = CASE p_delay_seconds WHEN 0 THEN '-infinity'
          ELSE now() + make_interval(secs => p_delay_seconds) END, beat = x.beat + 1,
        worker_id = NULL, assigned_at = NULL, started_at = NULL, heard_at = NULL,
        lease_hash = NULL, lease_seconds = NULL, otp_hash = NULL, vm_token_hash = NULL,
        vm_ready_at = NULL
        WHERE x.id = b.id;
    END IF;
    INSERT INTO builds.event (kind, build_id, worker_id, data)
      VALUES ('build.' || outcome, b.id, b.worker_id, jsonb_build_object(
        'attempt', b.attempt, 'reason', p_reason, 'failure', p_failure));
  END $$`,

  `CREATE FUNCTION builds.cancel(
    p_build_id text, p_reason text, OUT outcome text, OUT status text
  ) LANGUAGE plpgsql AS $$
  DECLARE
    b builds.build;
  BEGIN
    SELECT * INTO b FROM builds.build x WHERE x.id = p_build_id FOR UPDATE;
    IF NOT FOUND THEN
      outcome := 'unknown';
      RETURN;
    END IF;
    status := b.status;
    IF b.status NOT IN ('pending', 'assigned', 'building') THEN
      outcome := CASE b.status WHEN 'cancelled' THEN 'repeated' ELSE 'ended' END;
      RETURN;
    END IF;
    outcome := 'cancelled';
    status := 'cancelled';
    -- Its holder stays known, so that it can be told with its next sign of life.
    UPDATE builds.build x SET status = 'cancelled', finished_at = now(), reason = p_reason,
      otp_hash = NULL WHERE x.id = b.id;
    INSERT INTO builds.event (kind, build_id, worker_id, data)
      VALUES ('build.cancelled', b.id, b.worker_id, jsonb_build_object('reason', p_reason));
  END $$`,

  `CREATE FUNCTION builds.authenticate_vm(
    p_build_id text, p_otp_hash bytea, p_vm_hash bytea, p_max_tries integer, OUT outcome text
  ) LANGUAGE plpgsql AS $$
  DECLARE
    b builds.build;
  BEGIN
    SELECT * INTO b FROM builds.build x WHERE x.id = p_build_id FOR UPDATE;
    IF NOT FOUND THEN
      outcome := 'unknown';
    ELSIF b.status NOT IN ('assigned', 'building') OR b.otp_hash IS NULL THEN
      outcome := 'none';
    ELSIF b.otp_hash <> p_otp_hash THEN
      outcome := 'wrong';
      UPDATE builds.build x SET otp_tries = b.otp_tries + 1,
        otp_hash = CASE WHEN b.otp_tries + 1 >= p_max_tries THEN NULL ELSE b.otp_hash END
        WHERE x.id = b.id;
    ELSE
      outcome := 'accepted';
      UPDATE builds.build x SET otp_hash = NULL, vm_token_hash = p_vm_hash, vm_ready_at = NULL,
        heard_at = now(), beat = x.beat + 1 WHERE x.id = b.id;
    END IF;
  END $$`,

  `CREATE FUNCTION builds.append_log(
    p_build_id text, p_levels text[], p_messages text[], p_max_lines bigint, p_max_bytes bigint,
    OUT stored integer
  ) LANGUAGE plpgsql AS $$
  DECLARE
    lines bigint;
    bytes bigint;
    given bigint;
  BEGIN
    stored := 0;
    SELECT x.log_lines, x.log_bytes INTO lines, bytes FROM builds.build x
      WHERE x.id = p_build_id FOR UPDATE;
    IF NOT FOUND OR lines >= p_max_lines OR bytes >= p_max_bytes THEN
      RETURN;
    END IF;
    SELECT coalesce(sum(octet_length(m)), 0) INTO given FROM unnest(p_messages) m;
    INSERT INTO builds.log (build_id, number, level, message)
      SELECT p_build_id, lines + m.number, m.level, m.message
      FROM unnest(p_levels, p_messages) WITH ORDINALITY AS m(level, message, number)
      WHERE lines + m.number <= p_max_lines;
    GET DIAGNOSTICS stored = ROW_COUNT;
    lines := lines + stored;
    IF lines >= p_max_lines OR bytes + given >= p_max_bytes THEN
      INSERT INTO builds.log (build_id, number, level, message) VALUES (p_build_id, lines + 1, 'warn',
        'the log has reached its limit: what follows is not kept');
      lines := greatest(lines + 1, p_max_lines);
    END IF;
    UPDATE builds.build x SET log_lines = lines, log_bytes = bytes + given WHERE x.id = p_build_id;
  END $$`,
]
