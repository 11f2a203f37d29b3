"""What keeps harm small: a switch that stops money, and limits on what may leave a wallet."""
