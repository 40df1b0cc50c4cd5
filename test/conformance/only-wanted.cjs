"use strict";

// Loaded into the suite's runner before it starts. The runner takes one query, and its own way to leave
// cases out compares each case with each that is left out: hours, for a sample of a file of 55,000.

// The runner ends with process.exit(), which would drop what a pipe has not taken: a case may log megabytes.
// Node has no public name for this.
Reflect.get(process.stdout, "_handle").setBlocking(true);

/**
 * Of all that a query names, the runner then runs the cases that have these names, and says of each that it
 * begins: what ends the process is then told of the case that was under way.
 */
exports.runOnly = function runOnly(folder, names) {
  const { TestFileLoader } = require(`${folder}/out-node/common/internal/file_loader.js`);
  const wanted = new Set(names);
  const { loadCases } = TestFileLoader.prototype;
  TestFileLoader.prototype.loadCases = async function loadWanted(query) {
    const cases = await loadCases.call(this, query);
    return cases
      .filter((each) => wanted.has(each.query.toString()))
      .map((each) => ({
        ...each,
        run(...args) {
          process.stdout.write(`[begin] ${each.query.toString()}\n`);
          return each.run(...args);
        },
      }));
  };
};
