BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0002');
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
	CONSTRAINT pk_homes PRIMARY KEY (id)
);
INSERT INTO "homes" VALUES('id-1','nam-1','tim-1','cur-1',1);
INSERT INTO "homes" VALUES('id-2','nam-2','tim-2','cur-2',2);
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
CREATE TABLE plug_retained (
	hardware_id VARCHAR(64) NOT NULL, 
	suffix VARCHAR(64) NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT pk_plug_retained PRIMARY KEY (hardware_id, suffix)
);
INSERT INTO "plug_retained" VALUES('har-1','suf-1',X'0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO "plug_retained" VALUES('har-2','suf-2',X'0202020202020202020202020202020202020202020202020202020202020202');
CREATE TABLE refresh_tokens (
	hash BLOB NOT NULL, 
	family VARCHAR(32) NOT NULL, 
	user VARCHAR(32) NOT NULL, 
	home VARCHAR(32) NOT NULL, 
	family_began BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	used BIGINT, 
	CONSTRAINT pk_refresh_tokens PRIMARY KEY (hash), 
	CONSTRAINT fk_refresh_tokens_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_refresh_tokens_home FOREIGN KEY(home) REFERENCES homes (id) ON DELETE CASCADE
);
INSERT INTO "refresh_tokens" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','fam-1','id-1','id-1',1,1,1);
INSERT INTO "refresh_tokens" VALUES(X'0202020202020202020202020202020202020202020202020202020202020202','fam-2','id-2','id-2',2,2,NULL);
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
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_email UNIQUE (email)
);
INSERT INTO "users" VALUES('id-1','ema-1','nam-1','lan-1',X'0101010101010101010101010101010101010101010101010101010101010101',1,1);
INSERT INTO "users" VALUES('id-2','ema-2','nam-2','lan-2',NULL,0,2);
CREATE INDEX ix_refresh_tokens_family ON refresh_tokens (family);
COMMIT;
