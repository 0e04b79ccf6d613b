-- Rights on the database itself. They are not copied by CREATE DATABASE … TEMPLATE.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO items, audit, metrics, auditor;
GRANT USAGE ON SCHEMA public TO items, audit, metrics, retention, auditor;
