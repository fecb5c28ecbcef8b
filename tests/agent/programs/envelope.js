// An envelope without values for the test programs.
module.exports = (outcome) => Buffer.from(JSON.stringify({ outcome }));
