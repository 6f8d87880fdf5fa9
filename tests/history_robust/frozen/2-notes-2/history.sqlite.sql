PRAGMA application_id = 1347176521;
PRAGMA user_version = 1;
PRAGMA page_size = 1024;
PRAGMA auto_vacuum = 2;
BEGIN TRANSACTION;
CREATE TABLE damaged(id integer primary key, what text not null, data blob not null);
CREATE TABLE lead(series integer primary key, until integer not null, heads blob not null,
  data blob not null);
CREATE TABLE line(id integer primary key, data blob not null);
INSERT INTO "line" VALUES(7922570493953,X'6C1121AF0103220050000000000000000000000088BF0D00E803000000000600B300100E160E140E');
INSERT INTO "line" VALUES(7922570493954,X'F7A4592A01042100780000000000000000000000A87E1000E80300000006767708070E070E070807');
CREATE TABLE raw(
  id integer primary key, hour integer not null, stream integer not null, -- hour < 0: undated, see UNDATED in store.py
  seq_from integer not null, seq_to integer not null, count integer not null, data blob not null);
INSERT INTO "raw" VALUES(1,472222,1,0,179,80,X'016C0AAEB5003C0003000000010A0509030707030700030101000001010003000000A001040202D00F0290CAB7FEF96224E4230204A0380262A47A04904ED00F020202016360201B9CC021CE493D020278C9A158B0CA900D1C18A80A78A96B1C3303CD0100');
INSERT INTO "raw" VALUES(2,472222,2,0,119,120,X'01BE65E8CB003C0003000000010A0509030707030700030100000001010000000000F001020202D00F02D0C6CDFEF96224E4230204901C0262A47A02904EE8070202020163606060E064A03B0101BCF4A600');
CREATE TABLE recent( -- the same: see recent.py
  series integer not null, span integer not null, start integer not null, heads blob not null, data blob not null,
  primary key(series, span, start)) without rowid;
CREATE TABLE rollup(
  id integer primary key, tier integer not null, span integer not null, start integer not null,
  series integer not null, count integer not null, data blob not null);
INSERT INTO "rollup" VALUES(1,60000,0,1699999200000,1,6,X'0168A74C73004C01636464E4616766666667676767666664646066666466646264606260E6613AB06BFBBF9F490756B2B37C9809C1652E47FE6ABF66116165635963C1EA32E1191353D2922A960F33D999580001935F10C0F0FE688F03C31946064606460606060606792C62C52A410CA50D3EC1F719989852441818185819A080DBD18C8181878995958181818F414D9B8151ED0283FB8B78768677CCAF0EE4FB33305C99E2C0003788810100');
INSERT INTO "rollup" VALUES(2,900000,0,1699999200000,1,1,X'0139F6A602003C01636464E461860346660624C0C47460D7F67F3F93981AB64A30356C95609AC0ECD4F74C8E69820CD31A0BA517CA494BAA984EF4C932314D58C50300');
CREATE TABLE series(id integer primary key, device text not null, channel integer not null, unique(device, channel));
INSERT INTO "series" VALUES(1,'d1',0);
CREATE TABLE stream(
  id integer primary key, series integer not null, run text not null,
  last_seq integer not null, first_hour integer, last_hour integer, -- of its dated chunks
  unique(series, run));
INSERT INTO "stream" VALUES(1,1,'aaaaaaaaaaaaaaaa',179,472222,472222);
INSERT INTO "stream" VALUES(2,1,'bbbbbbbbbbbbbbbb',119,472222,472222);
CREATE TABLE sums( -- used only while `heads` are those of the chunks, and may be lost: see sums.py
  series integer not null, start integer not null, heads blob not null, data blob not null,
  primary key(series, start)) without rowid;
CREATE UNIQUE INDEX raw_place on raw(hour, stream);
CREATE UNIQUE INDEX rollup_place on rollup(tier, span, start, series);
CREATE TRIGGER lead_added after insert on rollup when new.tier = 900000
begin delete from lead where series = new.series and until > new.start; end;
CREATE TRIGGER lead_changed after update of data on rollup when old.tier = 900000
begin delete from lead where series = old.series and until > old.start; end;
CREATE TRIGGER lead_gone after delete on rollup when old.tier = 900000
begin delete from lead where series = old.series and until > old.start; end;
CREATE TRIGGER line_changed after update of data on raw
begin delete from line where id = old.hour * 16777216 + old.stream; end;
CREATE TRIGGER line_gone after delete on raw
begin delete from line where id = old.hour * 16777216 + old.stream; end;
COMMIT;
