"""Puts the App together: GitHub, what does each kind of job, the MCP endpoint, the HTTP application. No review stands here."""
