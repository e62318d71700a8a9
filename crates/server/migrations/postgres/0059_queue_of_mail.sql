-- Mail waits in a queue of its own: each queue has its index, so that a look at one walks past nothing of the other.
DROP INDEX job_by_due;
CREATE INDEX job_of_work ON job (due_at) WHERE kind <> 'mail';
CREATE INDEX job_of_mail ON job (due_at) WHERE kind = 'mail';
