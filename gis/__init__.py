"""Pure geometry and judgement: no HTTP, no database, no files, no clock, no settings."""
