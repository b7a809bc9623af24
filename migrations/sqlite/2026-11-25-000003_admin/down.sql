DROP TABLE revocations;
DROP TABLE tickets;
