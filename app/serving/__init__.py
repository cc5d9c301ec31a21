"""Assembles the App: GitHub clients, job handlers, the MCP endpoint, and the HTTP application. No review logic."""
