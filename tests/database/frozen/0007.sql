BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE alerts (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	device VARCHAR(32) NOT NULL, 
	channel INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	threshold FLOAT, 
	hold_s INTEGER NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	author VARCHAR(32), 
	created BIGINT NOT NULL, 
	since BIGINT, 
	CONSTRAINT pk_alerts PRIMARY KEY (id), 
	CONSTRAINT fk_alerts_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_alerts_device FOREIGN KEY(device) REFERENCES devices (id) ON DELETE CASCADE, 
	CONSTRAINT fk_alerts_author FOREIGN KEY(author) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "alerts" VALUES('id-1','id-1','id-1',1,'nam-1','kin-1',1.5,1,1,'id-1',1,1);
INSERT INTO "alerts" VALUES('id-2','id-2','id-2',2,'nam-2','kin-2',NULL,2,0,'id-2',2,NULL);
CREATE TABLE api_keys (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	hash BLOB NOT NULL, 
	hint VARCHAR(24) NOT NULL, 
	scopes JSON NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT, 
	used BIGINT, 
	CONSTRAINT pk_api_keys PRIMARY KEY (id), 
	CONSTRAINT fk_api_keys_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_api_keys_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT uq_api_keys_hash UNIQUE (hash)
);
INSERT INTO "api_keys" VALUES('id-1','id-1','id-1','nam-1',X'0101010101010101010101010101010101010101010101010101010101010101','hin-1','["text/1/#"]',1,1,1);
INSERT INTO "api_keys" VALUES('id-2','id-2','id-2','nam-2',X'0202020202020202020202020202020202020202020202020202020202020202','hin-2','["text/2/#"]',2,NULL,NULL);
CREATE TABLE audit_logs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	home VARCHAR(32) NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR(32), 
	origin VARCHAR(64) NOT NULL, 
	via VARCHAR(80) NOT NULL, 
	action VARCHAR(60) NOT NULL, 
	object VARCHAR(80), 
	"before" JSON, 
	"after" JSON, 
	refused VARCHAR(60), 
	count INTEGER NOT NULL, 
	CONSTRAINT fk_audit_logs_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE
);
INSERT INTO "audit_logs" VALUES(1,'id-1',1,'act-1','ori-1','via-1','act-1','obj-1','["text/1/#"]','["text/1/#"]','ref-1',1);
INSERT INTO "audit_logs" VALUES(2,'id-2',2,NULL,'ori-2','via-2','act-2',NULL,NULL,NULL,NULL,2);
CREATE TABLE audit_people (
	id VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	at BIGINT NOT NULL, 
	value VARCHAR(254) NOT NULL, 
	CONSTRAINT pk_audit_people PRIMARY KEY (id), 
	CONSTRAINT fk_audit_people_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "audit_people" VALUES('id-1','id-1',1,'val-1');
INSERT INTO "audit_people" VALUES('id-2','id-2',2,'val-2');
CREATE TABLE channels (
	device VARCHAR(32) NOT NULL, 
	channel INTEGER NOT NULL, 
	name VARCHAR(60), 
	max_power_w INTEGER, 
	idle_below_w FLOAT NOT NULL, 
	CONSTRAINT pk_channels PRIMARY KEY (device, channel), 
	CONSTRAINT fk_channels_device FOREIGN KEY(device) REFERENCES devices (id) ON DELETE CASCADE
);
INSERT INTO "channels" VALUES('id-1',1,'nam-1',1,1.5);
INSERT INTO "channels" VALUES('id-2',2,NULL,NULL,2.5);
CREATE TABLE device_users (
	device VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	share VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_device_users PRIMARY KEY (device, user), 
	CONSTRAINT ck_device_users_share CHECK (share IN ('view', 'control', 'manage')), 
	CONSTRAINT fk_device_users_device FOREIGN KEY(device) REFERENCES devices (id) ON DELETE CASCADE, 
	CONSTRAINT fk_device_users_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "device_users" VALUES('id-1','id-1','view');
INSERT INTO "device_users" VALUES('id-2','id-2','control');
CREATE TABLE devices (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	hardware_id VARCHAR(64) NOT NULL, 
	"key" VARCHAR(48) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	room VARCHAR(60), 
	icon VARCHAR(40) NOT NULL, 
	color INTEGER NOT NULL, 
	driver VARCHAR(40) NOT NULL, 
	model VARCHAR(60), 
	firmware VARCHAR(40), 
	interval_ms INTEGER NOT NULL, 
	always_on BOOLEAN NOT NULL, 
	private BOOLEAN NOT NULL, 
	secret_hash BLOB NOT NULL, 
	created BIGINT NOT NULL, 
	keep_raw INTEGER, 
	keep_minutes INTEGER, 
	keep_hours INTEGER, 
	keep_days INTEGER, 
	CONSTRAINT pk_devices PRIMARY KEY (id), 
	CONSTRAINT uq_devices_home UNIQUE (home, "key"), 
	CONSTRAINT fk_devices_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT uq_devices_hardware_id UNIQUE (hardware_id)
);
INSERT INTO "devices" VALUES('id-1','id-1','har-1','key-1','nam-1','roo-1','ico-1',1,'dri-1','mod-1','fir-1',1,1,1,X'0101010101010101010101010101010101010101010101010101010101010101',1,1,1,1,1);
INSERT INTO "devices" VALUES('id-2','id-2','har-2','key-2','nam-2',NULL,'ico-2',2,'dri-2',NULL,NULL,2,0,0,X'0202020202020202020202020202020202020202020202020202020202020202',2,NULL,NULL,NULL,NULL);
CREATE TABLE home_users (
	home VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	role VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_home_users PRIMARY KEY (home, user), 
	CONSTRAINT ck_home_users_role CHECK (role IN ('admin', 'user', 'guest')), 
	CONSTRAINT fk_home_users_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_home_users_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "home_users" VALUES('id-1','id-1','admin');
INSERT INTO "home_users" VALUES('id-2','id-2','guest');
CREATE TABLE homes (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	time_zone VARCHAR(64) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	created BIGINT NOT NULL, 
	price FLOAT, 
	week_start INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_homes PRIMARY KEY (id)
);
INSERT INTO "homes" VALUES('id-1','nam-1','tim-1','cur-1',1,1.5,1);
INSERT INTO "homes" VALUES('id-2','nam-2','tim-2','cur-2',2,NULL,2);
CREATE TABLE invitations (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	hash BLOB NOT NULL, 
	role VARCHAR(8), 
	user VARCHAR(32), 
	author VARCHAR(32), 
	created BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	CONSTRAINT pk_invitations PRIMARY KEY (id), 
	CONSTRAINT fk_invitations_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT uq_invitations_hash UNIQUE (hash), 
	CONSTRAINT fk_invitations_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_invitations_author FOREIGN KEY(author) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "invitations" VALUES('id-1','id-1',X'0101010101010101010101010101010101010101010101010101010101010101','admin','id-1','id-1',1,1);
INSERT INTO "invitations" VALUES('id-2','id-2',X'0202020202020202020202020202020202020202020202020202020202020202','guest','id-2','id-2',2,2);
CREATE TABLE mqtt_clients (
	home VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	secret_hash BLOB NOT NULL, 
	read JSON NOT NULL, 
	write JSON NOT NULL, 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_mqtt_clients PRIMARY KEY (name), 
	CONSTRAINT fk_mqtt_clients_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE
);
INSERT INTO "mqtt_clients" VALUES('id-1','nam-1',X'0101010101010101010101010101010101010101010101010101010101010101','["text/1/#"]','["text/1/#"]',1);
INSERT INTO "mqtt_clients" VALUES('id-2','nam-2',X'0202020202020202020202020202020202020202020202020202020202020202','["text/2/#"]','["text/2/#"]',2);
CREATE TABLE passkeys (
	id VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	credential BLOB NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	created BIGINT NOT NULL, 
	used BIGINT, 
	rp_id VARCHAR(253) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_passkeys PRIMARY KEY (id), 
	CONSTRAINT fk_passkeys_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT uq_passkeys_credential UNIQUE (credential)
);
INSERT INTO "passkeys" VALUES('id-1','id-1',X'0101010101010101010101010101010101010101010101010101010101010101',X'0101010101010101010101010101010101010101010101010101010101010101',1,'nam-1',1,1,'rp_-1');
INSERT INTO "passkeys" VALUES('id-2','id-2',X'0202020202020202020202020202020202020202020202020202020202020202',X'0202020202020202020202020202020202020202020202020202020202020202',2,'nam-2',2,NULL,'rp_-2');
CREATE TABLE plug_retained (
	hardware_id VARCHAR(64) NOT NULL, 
	suffix VARCHAR(64) NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT pk_plug_retained PRIMARY KEY (hardware_id, suffix)
);
INSERT INTO "plug_retained" VALUES('har-1','suf-1',X'0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO "plug_retained" VALUES('har-2','suf-2',X'0202020202020202020202020202020202020202020202020202020202020202');
CREATE TABLE recovery_codes (
	user VARCHAR(32) NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_recovery_codes PRIMARY KEY (user, hash), 
	CONSTRAINT fk_recovery_codes_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "recovery_codes" VALUES('id-1',X'0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO "recovery_codes" VALUES('id-2',X'0202020202020202020202020202020202020202020202020202020202020202');
CREATE TABLE refresh_tokens (
	hash BLOB NOT NULL, 
	session VARCHAR(32) NOT NULL, 
	expires BIGINT NOT NULL, 
	used BIGINT, 
	CONSTRAINT pk_refresh_tokens PRIMARY KEY (hash), 
	CONSTRAINT fk_refresh_tokens_session FOREIGN KEY(session) REFERENCES sessions (id) ON DELETE CASCADE
);
INSERT INTO "refresh_tokens" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','id-1',1,1);
INSERT INTO "refresh_tokens" VALUES(X'0202020202020202020202020202020202020202020202020202020202020202','id-2',2,NULL);
CREATE TABLE rooms (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_rooms PRIMARY KEY (id), 
	CONSTRAINT uq_rooms_home UNIQUE (home, name), 
	CONSTRAINT fk_rooms_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE
);
INSERT INTO "rooms" VALUES('id-1','id-1','nam-1',1);
INSERT INTO "rooms" VALUES('id-2','id-2','nam-2',2);
CREATE TABLE schedules (
	id VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	device VARCHAR(32) NOT NULL, 
	channel INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	days JSON NOT NULL, 
	time VARCHAR(5) NOT NULL, 
	command VARCHAR(20) NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	author VARCHAR(32), 
	created BIGINT NOT NULL, 
	CONSTRAINT pk_schedules PRIMARY KEY (id), 
	CONSTRAINT fk_schedules_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_schedules_device FOREIGN KEY(device) REFERENCES devices (id) ON DELETE CASCADE, 
	CONSTRAINT fk_schedules_author FOREIGN KEY(author) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "schedules" VALUES('id-1','id-1','id-1',1,'nam-1','["text/1/#"]','tim-1','com-1',1,'id-1',1);
INSERT INTO "schedules" VALUES('id-2','id-2','id-2',2,'nam-2','["text/2/#"]','tim-2','com-2',0,'id-2',2);
CREATE TABLE sessions (
	id VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	began BIGINT NOT NULL, 
	seen BIGINT NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	agent VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_sessions_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_sessions_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('id-1','id-1','id-1',1,1,'add-1','age-1');
INSERT INTO "sessions" VALUES('id-2','id-2','id-2',2,2,'add-2','age-2');
CREATE TABLE settings (
	name VARCHAR(64) NOT NULL, 
	value JSON NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('nam-1','["text/1/#"]');
INSERT INTO "settings" VALUES('nam-2','["text/2/#"]');
CREATE TABLE users (
	id VARCHAR(32) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	language VARCHAR(8) NOT NULL, 
	password_hash BLOB, 
	disabled BOOLEAN NOT NULL, 
	created BIGINT NOT NULL, 
	totp BLOB, 
	totp_step BIGINT, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_email UNIQUE (email)
);
INSERT INTO "users" VALUES('id-1','ema-1','nam-1','lan-1',X'0101010101010101010101010101010101010101010101010101010101010101',1,1,X'0101010101010101010101010101010101010101010101010101010101010101',1);
INSERT INTO "users" VALUES('id-2','ema-2','nam-2','lan-2',NULL,0,2,NULL,NULL);
CREATE INDEX ix_audit_logs_home ON audit_logs (home, at);
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_logs_kept BEFORE DELETE ON audit_logs WHEN OLD.refused IS NULL AND OLD.action <> 'device.switch' AND OLD.at >= (SELECT max(at) FROM audit_logs WHERE home = OLD.home) - 63072000000 AND EXISTS (SELECT 1 FROM homes WHERE id = OLD.home) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE INDEX ix_audit_people_user ON audit_people (user);
CREATE TRIGGER audit_people_append_only BEFORE UPDATE ON audit_people BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_people_kept BEFORE DELETE ON audit_people WHEN OLD.at >= (SELECT max(at) FROM audit_people) - 63072000000 AND EXISTS (SELECT 1 FROM users WHERE id = OLD.user) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE INDEX ix_refresh_tokens_session ON refresh_tokens (session);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit_logs',2);
COMMIT;
