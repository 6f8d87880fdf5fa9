// The API's types of the hub itself: problems, plugins, refused samples; as in hub/api/types. A test compares both.

export interface SystemInfo {
  name: string;
  version: string;
  setup: "open" | "code" | "done";
  setup_closes: number | null;
  demo: boolean;
}

export interface ProblemView {
  id: string;
  detail: string | null;
  since: number;
  ended?: boolean;
}

export interface ProblemList {
  items: ProblemView[];
  next: string | null;
}

export interface PluginErrors {
  count: number;
  last: string | null;
}

export interface PluginView {
  name: string;
  state: "loaded" | "failed" | "disabled" | "switched_off";
  kinds: string[];
  version: string | null;
  detail: string | null;
  errors: PluginErrors;
}

export interface PluginList {
  items: PluginView[];
  next: string | null;
}

export interface RejectCount {
  device: string;
  reason: string;
  count: number;
}

export interface RejectView {
  at: number;
  device: string;
  reason: string;
  detail: string;
  payload: string;
}

export interface RejectList {
  counts: RejectCount[];
  newest: RejectView[];
}
