// Tells zod that a call lives too short to compile its checks first; before any schema is made, since each asks once.

import { config } from "zod/v4/core";

config({ jitless: true });
