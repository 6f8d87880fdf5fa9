// The API's types of backups, as in hub/api/types. A test compares both.

export interface Backup {
  name: string;
  size: number;
  created: number | null;
  encrypted: boolean;
  history: boolean;
  verified: boolean;
  detail: string | null;
}

export interface BackupProgress {
  step: "copying" | "checking";
  done: number;
  total: number;
}

export interface BackupRun {
  at: number;
  automatic: boolean;
  name: string | null;
  detail: string | null;
}

export interface BackupState {
  running: BackupProgress | null;
  last: BackupRun | null;
  next: number | null;
  folder: string;
  own_folder: boolean;
  free: number | null;
  same_disk: boolean;
  problem: string | null;
  keep: number;
  history: boolean;
  time: string;
  encrypted: boolean;
  declared: string[];
}

export interface BackupList {
  items: Backup[];
  state: BackupState;
  next: string | null;
}

export interface ChangeBackupsRequest {
  folder?: string | null;
  keep?: number;
  history?: boolean;
  time?: string;
  passphrase?: string | null;
}
