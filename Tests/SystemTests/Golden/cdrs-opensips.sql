-- OpenSIPS, tables acc (version 7) and missed_calls (version 5); times are UTC
/*!40101 SET NAMES utf8mb4 */;
/*!40101 SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',NO_BACKSLASH_ESCAPES') */;
BEGIN;
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time, duration, ms_duration, setuptime, created) VALUES ('INVITE', 'a1', 'b1', 'answered@example.com', '200', 'OK', '2026-03-04 04:53:24', 996, 996500, 3, '2026-03-04 04:53:21');
INSERT INTO missed_calls (method, from_tag, to_tag, callid, sip_code, sip_reason, time, setuptime, created) VALUES ('INVITE', 'a2', '', 'busy@example.com', '486', 'Busy
Here', '2026-03-04 04:53:30', 0, '2026-03-04 04:53:30');
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time, duration, ms_duration, setuptime, created) VALUES ('INVITE', 'a3', 'b3', 'hung@example.com', '200', '', '2026-03-04 04:53:42', 160, 160000, 2, '2026-03-04 04:53:40');
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time, duration, ms_duration, setuptime, created) VALUES ('INVITE', 'a4', 'b4', 'small@example.com', '200', '', '2026-03-04 04:53:53', 87, 87000, 3, '2026-03-04 04:53:50');
COMMIT;
