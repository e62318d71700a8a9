-- Accounts say which days their files cover: everything is read again, since what was kept lacks it.
DELETE FROM state WHERE name = 'cursor';
