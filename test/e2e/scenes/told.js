/** Prints the line, and resolves when the test that runs this program wants it to go on. */
export function told(line) {
  const stay = setInterval(() => {}, 2 ** 30);
  const gone = new Promise((resolve) => {
    process.once("SIGUSR2", () => {
      clearInterval(stay);
      resolve();
    });
  });
  console.log(`${line} (${process.pid})`);
  return gone;
}
