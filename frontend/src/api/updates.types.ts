// New versions of the hub, as in hub/api/types/system.py.

export interface NewVersion {
  version: string;
  security: boolean;
  notes: string;
  issued: number;
  detail: string;
}

export interface UpdateState {
  version: string;
  firmware: string;
  check: boolean;
  declared: boolean;
  source: string | null;
  asking: boolean;
  asked: number | null;
  detail: string | null;
  newest: NewVersion | null;
}

export interface UpdateRequest {
  check: boolean;
}
