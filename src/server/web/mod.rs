//! Routes for people and clients: discovery, login, the admin API, pages.
