// The API's types of signing in and of the set-up, as in hub/api/types. A test compares both.
import type { Home, User } from "./people.types";
import type { Language } from "./types";

export interface SetupRequest {
  name: string;
  email: string;
  password: string;
  home_name: string;
  time_zone: string;
  currency: string;
  price?: number | null;
  week_start?: number;
  language: Language;
  code?: string | null;
}

export interface LoginRequest {
  email: string;
  password: string;
}

export interface Session {
  access_token: string;
  expires_in: number;
  user: User;
  home: Home;
  refresh_token?: string | null;
}
