-- Which headers contain a word?
--
-- Search the text of every attribute, ignoring case.
--
-- $text text such as arnold: The word, or any other text.
--
-- | attr_name | value_text | files |
-- |---|---|---|
-- | software | Arnold 7.3.3.1 [synthetic] linux clang-15.0.7 oiio-2.4.1 | 11 |
-- | software | Arnold 7.3.4.0 [synthetic] linux clang-15.0.7 oiio-2.4.1 | 3 |
SELECT attr_name, value_text, count(DISTINCT file_id) AS files
FROM attributes
WHERE lower(value_text) LIKE concat('%', lower($text), '%')
GROUP BY 1, 2
ORDER BY 1, 2
