import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// What a test waits for comes; on a busy machine not within a second.
configure({ asyncUtilTimeout: 15_000 });
afterEach(cleanup);
