DROP TABLE webhook_endpoints;
DROP TABLE webhook_jobs;
DROP TABLE ledger_subjects;
DROP TABLE ledger_entries;
DROP TABLE ledger_nodes;
