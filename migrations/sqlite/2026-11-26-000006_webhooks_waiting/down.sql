DROP INDEX webhook_jobs_waiting;
