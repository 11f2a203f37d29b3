"""Operations that are accepted now and applied afterwards: shapes, reading, answers, routes."""
