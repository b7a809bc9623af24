-- What waits for the receiver of webhooks, the oldest first: so that it can be told, and bounded, without a look at what has
-- ended.
CREATE INDEX webhook_jobs_waiting ON webhook_jobs (sequence) WHERE due_at IS NOT NULL;
