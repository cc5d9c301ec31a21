package invoices;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** Reads the fields that we need of a UBL invoice. */
final class InvoiceXml {
    private static final String CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

    private InvoiceXml() {}

    static Invoice read(InputStream xml) throws IOException {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            Element root = factory.newDocumentBuilder().parse(xml).getDocumentElement();
            return new Invoice(
                    text(root, "ID"), LocalDate.parse(text(root, "IssueDate")), new BigDecimal(text(root, "PayableAmount")));
        } catch (SAXException | DateTimeParseException | NumberFormatException error) {
            throw new InvalidInvoice("not a UBL invoice", error);
        } catch (ParserConfigurationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String text(Element root, String name) {
        NodeList found = root.getElementsByTagNameNS(CBC, name);
        if (found.getLength() == 0) {
            throw new InvalidInvoice("no " + name, null);
        }
        return found.item(0).getTextContent().strip();
    }
}
