-- Kamailio 5.6, tables acc (version 5), acc_cdrs (version 2) and missed_calls (version 4); times are UTC
/*!40101 SET NAMES utf8mb4 */;
/*!40101 SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',NO_BACKSLASH_ESCAPES') */;
BEGIN;
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time) VALUES ('INVITE', 'a1', 'b1', 'answered@example.com', '200', 'OK', '2026-03-04 04:53:24');
INSERT INTO acc_cdrs (start_time, end_time, duration) VALUES ('2026-03-04 04:53:24', '2026-03-04 05:10:00', 996.500);
INSERT INTO missed_calls (method, from_tag, to_tag, callid, sip_code, sip_reason, time) VALUES ('INVITE', 'a2', '', 'busy@example.com', '486', 'Busy
Here', '2026-03-04 04:53:30');
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time) VALUES ('INVITE', 'a3', 'b3', 'hung@example.com', '200', '', '2026-03-04 04:53:42');
INSERT INTO acc_cdrs (start_time, end_time, duration) VALUES ('2026-03-04 04:53:42', '2026-03-04 04:56:22', 160.000);
INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time) VALUES ('INVITE', 'a4', 'b4', 'small@example.com', '200', '', '2026-03-04 04:53:53');
INSERT INTO acc_cdrs (start_time, end_time, duration) VALUES ('2026-03-04 04:53:53', '2026-03-04 04:55:20', 87.000);
COMMIT;
