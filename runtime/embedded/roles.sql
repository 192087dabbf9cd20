-- The engine's two roles. Run by the superuser at every start: what an interrupted first start left out is made up for.
-- Passwords come as SCRAM verifiers, never in clear text. The database is made apart: CREATE DATABASE takes no transaction.
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'surefill_owner') THEN
        CREATE ROLE {surefill_owner} LOGIN CREATEROLE NOSUPERUSER NOCREATEDB;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'surefill') THEN
        CREATE ROLE {surefill} LOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB;
    END IF;
    ALTER ROLE {surefill_owner} PASSWORD {surefill_owner_verifier};
    ALTER ROLE {surefill} PASSWORD {surefill_verifier};
END
$roles$;
