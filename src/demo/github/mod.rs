//! A GitHub with a consent page, users, organisations and teams.
