// SPDX-License-Identifier: MIT
// index.d.mts - the same types for `import`.

import * as sunpath from './index.js';

export * from './index.js';
export default sunpath;
