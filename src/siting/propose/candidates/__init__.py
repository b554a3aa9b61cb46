"""Where a facility could open. The only room of the proposals that knows layers and networks."""
