/** `npm run fuzz`: see ARCHITECTURE.md. */
import { formats } from './formats.js';
import { fuzz } from './fuzz.js';
import { pastFailures } from './past-failures.js';

await fuzz(formats, pastFailures);
