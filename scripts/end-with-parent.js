// Preloaded into every task that scripts/run.js starts: the channel between the two closes when the starter is gone,
// also after kill -9, and the task then ends as if it had been asked to.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
