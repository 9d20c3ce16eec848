/**
 * The server under test. `cargo xtask test` starts one and names it in `SLUICEGATE_URL`; without that, a test file run by
 * hand starts its own on the release build, and ends it with itself.
 */
import { serve } from "./serve.mjs";

/** Scheme, host and port; no slash at the end. */
export const GATE = process.env.SLUICEGATE_URL ?? (await serve());
